// What log_sequence remembers, at rest.
import { causeShape, labelsShape, packed, timeShape, unpacked, z } from "vedette";
import type { SavedColumns } from "vedette/counts";
import type { Groups } from "./groups.ts";
import type { Judge } from "./judge.ts";
import { type Combination, Service, traceOf } from "./service.ts";

const VERSION = 2;
const TYPE = "log_sequence";
const GRADES = 3;

export interface Memory {
  readonly by: string;
  services: Map<string, Service>;
  readonly groups: Groups;
  readonly sessions: Groups;
  readonly judge: Judge;
  /** Unix milliseconds: the end of the interval that was judged last, and when the last records came. */
  judged: number;
  heard: number;
  /** Records were missed until then: groups that begin before they were idle for once are not whole. Unix milliseconds. */
  missed: number;
}

const number = z.number();
const index = z.int().nonnegative();
const grade = index.max(GRADES - 1);
const message = z.object({
  id: z.string(),
  labels: labelsShape,
  groups: number,
  last: number,
  grade,
  partners: z.array(z.tuple([index, number, number])),
  row: z.int().min(-1),
});
const combination = z.object({
  key: number,
  messages: z.array(index),
  grades: z.array(grade),
  groups: number,
  low: number,
  trace: z.string(),
});
const news = z.object({
  what: z.enum(["together", "without", "often"]),
  a: index,
  b: index,
  first: number,
  counted: number,
  groups: number,
  trace: z.string(),
  rarity: number,
  added: number,
  tried: number,
});
const service = z
  .object({
    key: z.string(),
    began: number,
    labels: labelsShape,
    messages: z.array(message),
    together: z.custom<Uint8Array>((value) => value instanceof Uint8Array),
    discoveries: z.array(number),
    news: z.array(news),
    groups: number,
    generation: number,
    fresh: z.array(combination),
    cause: causeShape,
  })
  .refine(({ messages, news, fresh }) => {
    const all = messages.length;
    const are = (numbers: readonly number[]) => numbers.every((each) => each < all);
    return (
      messages.every(({ partners }) => are(partners.map(([other]) => other))) &&
      news.every(({ what, a, b }) => are([a]) && (what === "often" ? b < GRADES : are([b]))) &&
      fresh.every(({ messages, grades }) => are(messages) && grades.length === messages.length)
    );
  }, "has numbers of messages that it lacks");
const group = z.object({
  service: z.string(),
  generation: number,
  high: number,
  low: number,
  left0: number,
  left1: number,
  partial: z.boolean(),
  last: number,
  messages: z.array(index),
});
const state = z.object({
  version: z.literal(VERSION),
  by: z.string(),
  judged: timeShape,
  heard: timeShape,
  missed: timeShape,
  services: z.array(service),
  groups: z.array(group),
  sessions: z.array(group),
  columns: z.custom<SavedColumns>((value) => typeof value === "object" && value !== null),
  told: z.array(number),
  free: z.array(index),
});

export function save({ by, services, groups, sessions, judge, judged, heard, missed }: Memory): Uint8Array {
  const saved: z.input<typeof state> = {
    ...{ version: VERSION, by, judged, heard, missed },
    services: [...services.values()].map((each) => ({
      key: each.key,
      began: each.began,
      labels: each.labels,
      messages: each.messages.map((own) => ({
        ...own,
        partners: own.partners.map(({ other, groups, both }): [number, number, number] => [other, groups, both]),
      })),
      together: each.together.bits,
      discoveries: each.discoveries[0].times,
      news: each.news,
      groups: each.groups,
      generation: each.generation,
      fresh: [...each.fresh].map(([key, own]) => ({
        key,
        messages: [...own.messages],
        grades: [...own.grades],
        groups: own.groups,
        low: own.low,
        trace: traceOf(own),
      })),
      cause: each.cause.state,
    })),
    groups: open(groups),
    sessions: open(sessions),
    columns: judge.columns.save(),
    told: judge.told,
    free: judge.free,
  };
  return packed(saved);
}

const open = (groups: Groups) =>
  [...groups].map(({ service, messages, ...own }) => ({ ...own, messages: [...messages], service: service.key }));

/** Throws when the bytes are not of `save`, or of groups that something else held together; nothing is learnt then. */
export function load(bytes: Uint8Array, memory: Memory): void {
  const saved = unpacked(bytes, state, TYPE);
  const { judge } = memory;
  if (saved.by !== memory.by) throw new Error(`is of groups by ${saved.by}, not by ${memory.by}`);
  const services = new Map(saved.services.map((each) => [each.key, serviceOf(each)]));
  // last, since nothing may be learnt where one does not fit
  judge.columns.load(saved.columns);
  const { length } = judge.columns;
  for (const { messages } of services.values()) for (const own of messages) if (own.row >= length) own.row = -1;
  judge.told = Array.from({ length }, (_, row) => saved.told[row] ?? 0);
  judge.free = saved.free.filter((row) => row < length);
  memory.judged = saved.judged;
  memory.heard = saved.heard;
  memory.missed = saved.missed;
  for (const [key, each] of services) memory.services.set(key, each);
  for (const kind of ["groups", "sessions"] as const) {
    for (const each of saved[kind]) {
      const own = services.get(each.service);
      if (own && each.messages.every((number) => number < own.messages.length)) {
        memory[kind].open({ ...each, service: own });
      }
    }
  }
}

function combinationOf({ trace, low, ...own }: Omit<z.output<typeof combination>, "key">): Combination {
  const [left0, left1, high] = [0, 8, 16].map((at) => Number.parseInt(trace.slice(at, at + 8), 16) | 0);
  return { ...own, low, high, left0, left1, isTrace: trace !== "" };
}

function serviceOf(saved: z.output<typeof service>): Service {
  const own = new Service(saved.key, saved.began, saved.labels);
  for (const each of saved.messages) {
    own.byId.set(each.id, own.messages.length);
    const partners = each.partners.map(([other, groups, both]) => ({ other, groups, both }));
    own.messages.push({ ...each, partners });
  }
  if (!own.together.load(saved.together)) throw new Error(`is of another version of ${TYPE}, or damaged (pairs)`);
  own.discoveries[0].times = saved.discoveries;
  own.news = saved.news;
  own.groups = saved.groups;
  own.generation = saved.generation;
  for (const { key, ...each } of saved.fresh) own.fresh.set(key, combinationOf(each));
  own.cause.state = saved.cause;
  return own;
}
