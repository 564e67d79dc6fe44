// Which faults a rehearsal plants: of every kind that a detector could find, into series chosen by chance.
import { type Plugin, serviceName } from "../api/index.ts";
import type { Config } from "../config/shape.ts";
import type { Plugins } from "../registry.ts";
import { type Fault, KINDS, type Seen } from "./fault.ts";

/** Rows that a series must have had in the copy. */
const FEWEST = 10;
/** Of the metrics' series one, or at most this part, has a fault at the same time: detectors hold young series against each other. */
const PART = 1 / 8;

export interface Span {
  /** Unix milliseconds. */
  readonly from: number;
  readonly until: number;
}

/** "traces latency": signal and anomaly.type of all that the processors of the configuration's pipelines may find. */
export function findable(config: Config, plugins: Plugins): ReadonlySet<string> {
  return new Set(
    config.service.pipelines.flatMap(({ signal, processors }) =>
      processors.flatMap((id) => {
        const component = config.processors.get(id);
        const plugin = component && plugins.get("processors", component.type);
        return plugin ? typesOf(plugin).map((type) => `${signal} ${type}`) : [];
      }),
    ),
  );
}

function typesOf(plugin: Plugin): readonly string[] {
  if (plugin.kind === "finder") return plugin.finds;
  // what a combination finds it finds as its parts do, which are detectors of points
  if (plugin.kind === "combination") return ["spike", "drop"];
  return plugin.kind === "detector" ? [plugin.finds.above, plugin.finds.below, ...(plugin.finds.more ?? [])] : [];
}

/**
 * At most `most` faults in the second half of the copy, kind by kind in turn, each into a service that has no other of its signal, so that it is clear
 * what an anomaly tells of. `random` is uniform in [0, 1).
 */
export function planned(
  seen: readonly Seen[],
  types: ReadonlySet<string>,
  { from, until }: Span,
  most: number,
  random: () => number,
): Fault[] {
  const minutes = (until - from) / 60_000;
  const start = from + (until - from) / 2;
  const kinds = shuffled(
    KINDS.filter((kind) => kind.types.some((type) => types.has(`${kind.signal} ${type}`))),
    random,
  );
  const left = shuffled(
    seen.filter(({ rows }) => rows >= FEWEST),
    random,
  );
  const metrics = left.filter(({ signal }) => signal === "metrics").length;
  const taken = new Set<string>();
  const faults: Fault[] = [];
  const siblings = Map.groupBy(left, placeOf);
  const candidate = ({ name, signal, fits }: (typeof KINDS)[number]) =>
    left.find((each) => {
      if (each.signal !== signal || taken.has(placeOf(each)) || !fits(each, each.rows / minutes)) return false;
      // a service that is silent as a whole is another fault
      return name !== "silence" || siblings.get(placeOf(each))!.length > 1;
    });
  for (let more = true; more && faults.length < most; ) {
    more = false;
    for (const kind of kinds) {
      const sick = faults.filter(({ signal }) => signal === "metrics").length;
      if (faults.length >= most || (kind.signal === "metrics" && sick > 0 && sick >= PART * metrics)) continue;
      const into = candidate(kind);
      if (!into) continue;
      taken.add(placeOf(into));
      faults.push({ signal: kind.signal, kind: kind.name, seen: into, from: start, until });
      more = true;
    }
  }
  return faults;
}

/** Faults of metrics are told apart by the metric, others by the service alone. */
const placeOf = ({ signal, labels }: Seen): string =>
  JSON.stringify([signal, serviceName(labels), signal === "metrics" ? labels.name : ""]);

function shuffled<T>(list: readonly T[], random: () => number): T[] {
  const copy = [...list];
  for (let i = copy.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [copy[i], copy[j]] = [copy[j], copy[i]];
  }
  return copy;
}
