// Hands complete traces to the processors that want them.
import type { Processor, Trace } from "../api/index.ts";
import type { Stage } from "../pipeline/stage.ts";

/** Calls both, one after the other. */
export const both =
  <T>(one: (value: T) => void, other: (value: T) => void) =>
  (value: T): void => {
    one(value);
    other(value);
  };

/** Of so many complete traces one is timed, for all of them: two looks at the clock take about as long as a processor does with a span. */
const TIMED = 11;

/** Hands a complete trace to every processor that wants it. */
export function handing(stages: readonly Stage<Processor<any>>[]): (trace: Trace) => void {
  let untimed = 0;
  return (trace) => {
    untimed = (untimed + 1) % TIMED;
    const calls = untimed === 0 ? TIMED : 0;
    for (const stage of stages) {
      if (stage.out) continue;
      const began = calls > 0 ? performance.now() : 0;
      try {
        stage.part.trace!(trace);
        stage.passed(began, 0, 0, calls);
      } catch (error) {
        stage.failed(calls > 0 ? began : performance.now(), 0, error);
      }
    }
  };
}
