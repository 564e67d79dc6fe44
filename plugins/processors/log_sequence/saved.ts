// What log_sequence remembers, in the form of structured clones.
import { deserialize, serialize } from "node:v8";
import type { Columns, RATIO_STATE } from "vedette/counts";
import type { Group, Groups } from "./groups.ts";
import type { Judge } from "./judge.ts";
import { Service } from "./service.ts";

const VERSION = 1;

export interface Memory {
  readonly by: string;
  readonly services: Map<string, Service>;
  readonly groups: Groups;
  readonly columns: Columns<typeof RATIO_STATE>;
  readonly judge: Judge;
  /** Unix milliseconds: the end of the interval that was judged last, and when the last records came. */
  judged: number;
  heard: number;
}

type SavedGroup = Omit<Group, "service" | "next"> & { readonly service: string };

export function save({ by, services, groups, columns, judge, judged, heard }: Memory): Uint8Array {
  const open: SavedGroup[] = [];
  for (const { service, high, low, text, last, messages } of groups) {
    open.push({ service: service.key, high, low, text, last, messages });
  }
  const saved = {
    version: VERSION,
    by,
    judged,
    heard,
    services: [...services.values()].map((service) => ({
      ...service,
      series: 0,
      discoveries: service.discoveries[0].times,
      cause: service.cause.state,
      fresh: [...service.fresh].map(({ key }) => key),
    })),
    groups: open,
    columns: columns.save(),
    told: judge.told,
  };
  return serialize(saved);
}

/** Throws when the bytes are not of `save`, or of groups that something else held together. */
export function load(bytes: Uint8Array, memory: Memory): void {
  let saved: any;
  try {
    saved = deserialize(bytes);
  } catch {
    throw new Error("is not what log_sequence saves");
  }
  if (saved?.version !== VERSION) throw new Error("is of another version of log_sequence");
  if (saved.by !== memory.by) throw new Error(`is of groups by ${saved.by}, not by ${memory.by}`);
  memory.columns.load(saved.columns);
  memory.judge.told.push(...saved.told);
  memory.judged = saved.judged;
  memory.heard = saved.heard;
  for (const each of saved.services) {
    const service = new Service(each.key, each.began, each.labels);
    const { messages, byId, combinations, groups, cause } = each;
    service.messages.push(...messages);
    for (const [id, number] of byId) service.byId.set(id, number);
    for (const [key, combination] of combinations) service.combinations.set(key, combination);
    for (const key of each.fresh) {
      const combination = service.combinations.get(key);
      if (combination) service.fresh.add(combination);
    }
    service.discoveries[0].times = each.discoveries;
    service.groups = groups;
    service.cause.state = cause;
    memory.services.set(service.key, service);
  }
  for (const { service, high, low, text, last, messages } of saved.groups as SavedGroup[]) {
    const own = memory.services.get(service);
    if (own) memory.groups.open(own, high, low, text, last, messages);
  }
}
