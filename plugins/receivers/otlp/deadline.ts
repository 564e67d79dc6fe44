// How long the sender of a gRPC call waits for its answer: the grpc-timeout header.
import { Code } from "vedette/otlp";
import { Refusal } from "./refusal.ts";

const MILLISECONDS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };
/** No timer measures more, and no request takes as long. */
const LONGEST = 2 ** 31 - 1;

/** When that is over, by `performance.now()`; undefined when the sender does not say. Throws a Refusal when it says nothing legible. */
export function deadlineOf(header: string | string[] | undefined): number | undefined {
  if (header === undefined) return undefined;
  const part = /^(\d{1,8})([HMSmun])$/.exec(String(header));
  if (!part)
    throw new Refusal(400, Code.INTERNAL, "grpc-timeout must be up to eight digits and one of H, M, S, m, u, n");
  return performance.now() + Math.min(LONGEST, Number(part[1]) * MILLISECONDS[part[2]]);
}
