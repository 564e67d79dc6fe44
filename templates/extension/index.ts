// my_plugin: a file that exists while the agent is ready, for scripts that wait for it.
import { rm, writeFile } from "node:fs/promises";
import { defineExtension, z } from "vedette";

export default defineExtension({
  type: "my_plugin",
  stability: "experimental",
  summary: "Keeps a file while the agent is ready.",
  config: z.object({
    path: z.string().min(1).default("vedette.ready").describe("The file; an existing one is replaced."),
  }),
  create({ path }, host) {
    // one thing after the other, in the order in which it was asked for
    let last: Promise<void> = Promise.resolve();
    const then = (work: () => Promise<void>) => {
      last = last.then(work).catch((error) => host.log.error("the file cannot be changed", { error: String(error) }));
    };
    return {
      ready(isReady) {
        then(() => (isReady ? writeFile(path, `${host.agent.version}\n`) : rm(path, { force: true })));
      },
      async stop() {
        await last;
      },
    };
  },
});
