// Several pieces of work at a time, each in a thread of its own.
import { Worker } from "node:worker_threads";

/** A module is run for each of `wanted`, which it finds in `workerData`, and posts what comes of it; in the order asked for. */
export async function inThreads<In, Out>(module: string, wanted: readonly In[], threads: number): Promise<Out[]> {
  const done: Out[] = [];
  let next = 0;
  const work = async () => {
    while (next < wanted.length) {
      const i = next++;
      done[i] = await new Promise<Out>((resolve, reject) => {
        const worker = new Worker(new URL(module), { workerData: wanted[i] });
        worker.once("message", resolve);
        worker.once("error", reject);
      });
    }
  };
  await Promise.all(Array.from({ length: threads }, work));
  return done;
}
