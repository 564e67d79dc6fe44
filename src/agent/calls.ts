// Who calls whom, as the processors of a graph have learnt it.
import type { ServiceCall } from "../api/index.ts";
import type { Graph } from "./graph.ts";

/** Each edge once: processors of several pipelines see the same traces. A processor that fails at it is left out. */
export function callsOf({ processors }: Pick<Graph, "processors">): ServiceCall[] {
  const calls = new Map<string, ServiceCall>();
  for (const { stage } of processors.values()) {
    if (stage.out || !stage.part.calls) continue;
    const began = performance.now();
    try {
      for (const call of stage.part.calls()) {
        const key = JSON.stringify([call.from, call.to]);
        if (!calls.has(key)) calls.set(key, call);
      }
      stage.passed(began, 0, 0);
    } catch (error) {
      stage.failed(began, 0, error);
    }
  }
  return [...calls.values()];
}
