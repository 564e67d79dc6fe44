// Which pipelines hear of an anomaly: those whose route it takes, and those that have heard of it before, until it is resolved.
import {
  type Anomaly,
  type Condition,
  type Connector,
  type Outputs,
  packed,
  parseCondition,
  unpacked,
  z,
} from "vedette";
import type { Options } from "./index.ts";

interface Route {
  readonly condition: Condition;
  readonly moves: boolean;
  readonly pipelines: readonly string[];
}

const savedShape = z.object({ told: z.array(z.tuple([z.string(), z.array(z.string())])) });

export class Router implements Connector<"anomalies"> {
  readonly #routes: readonly Route[];
  readonly #defaults: readonly string[];
  readonly #most: number;
  readonly #emit: Outputs;
  /** By id of what is open, the pipelines that were told of it; the one that changed longest ago first. */
  #told = new Map<string, ReadonlySet<string>>();

  constructor({ table, default_pipelines, max_open }: Options, emit: Outputs) {
    this.#routes = table.map(({ context, condition, statement, action, pipelines }) => {
      const text = (condition ?? statement) as string;
      const asked = parseCondition(context === "resource" ? ofResource(text) : text);
      return { condition: asked, moves: action === "move", pipelines };
    });
    this.#defaults = default_pipelines;
    this.#most = max_open;
    this.#emit = emit;
  }

  consume(anomalies: readonly Anomaly[]): void {
    const lists = new Map<string, Anomaly[]>();
    for (const anomaly of anomalies) {
      const before = this.#told.get(anomaly.id);
      // one that is over is told to those who know of it
      const over = before && anomaly.state === "resolved";
      const pipelines = over ? before : new Set([...(before ?? []), ...this.#fitting(anomaly)]);
      for (const pipeline of pipelines) {
        const isNews = anomaly.state === "ongoing" && !before?.has(pipeline);
        const list = lists.get(pipeline) ?? [];
        list.push(isNews ? { ...anomaly, state: "open" } : anomaly);
        lists.set(pipeline, list);
      }
      this.#remember(anomaly, pipelines);
    }
    for (const [pipeline, list] of lists) this.#emit.anomalies?.(list, [pipeline]);
  }

  #fitting(anomaly: Anomaly): string[] {
    const pipelines: string[] = [];
    for (const route of this.#routes) {
      if (!route.condition.holds(anomaly)) continue;
      pipelines.push(...route.pipelines);
      if (route.moves) return pipelines;
    }
    return [...pipelines, ...this.#defaults];
  }

  #remember({ id, state }: Anomaly, pipelines: ReadonlySet<string>): void {
    this.#told.delete(id);
    if (state === "resolved" || pipelines.size === 0) return;
    if (this.#told.size >= this.#most) this.#told.delete(this.#told.keys().next().value as string);
    this.#told.set(id, pipelines);
  }

  save(): Uint8Array {
    return packed({ told: Array.from(this.#told, ([id, pipelines]) => [id, [...pipelines]]) });
  }

  load(saved: Uint8Array): void {
    const { told } = unpacked(saved, savedShape, "routing");
    this.#told = new Map(told.slice(-this.#most).map(([id, pipelines]) => [id, new Set(pipelines)]));
  }
}

/** The condition with its attributes meant of the resource; what stands in quotes stays. */
function ofResource(condition: string): string {
  return condition.replace(/"(?:[^"\\]|\\.)*"|(?<![\w.])attributes(?=\s*\[)/g, (found) =>
    found === "attributes" ? "resource.attributes" : found,
  );
}
