// What absence remembers, as bytes: a header in JSON for the parents, the metrics and the episodes, then columns of all nodes.
import { z } from "vedette";
import { BINS, MEMORY } from "./gaps.ts";
import { type Group, HEARD, type Metric, metricOf, QUIET, TOLD, type Tree, unpacked } from "./tree.ts";
import type { Episode, Watch } from "./watch.ts";

const VERSION = 1;
/**
 * The columns, one after the other: usual gap, stamp, last, state, when it is due, the longest gaps of two days, the number of the
 * day and when they began as f64, the number of the metric in its
 * service and the length of the attributes as u32 (0 of a parent), the counts as u16; then the attributes of all.
 */
const NUMBERS = 9;
const NODE = NUMBERS * 8 + 4 + 4 + BINS * 2;

const number = z.number();
const subject = z.object({
  resource: z.string(),
  attributes: z.string(),
  scope: z.object({ name: z.string(), version: z.string() }),
  name: z.string(),
  statistic: z.string(),
  kind: z.string(),
  about: z.string(),
  said: z.string(),
  back: z.string(),
  many: z.boolean(),
  contributors: z.array(z.string()),
});
/** now, resumed, heard, usual of its clock; born; fewest, fewestBefore, day; newest; gone. Infinity and NaN are null. */
const group = z.tuple([z.string(), z.array(number.nullable()).length(10)]);
/** name, statistic, kind, scope's name and version; born, gone, newest. */
const metric = z.tuple([z.string(), z.string(), z.string(), z.string(), z.string(), number, number, z.int()]);
const header = z.object({
  version: z.literal(VERSION),
  signal: z.enum(["metrics", "logs", "traces"]),
  uptime: number,
  ticked: number.nullable(),
  arrived: z.boolean(),
  agent: group,
  services: z.array(
    z.object({
      group,
      metrics: z.array(metric),
      instances: z.array(z.object({ group, series: z.int().nonnegative() })),
    }),
  ),
  /** By number in the order of the records: `ended` of the watch. */
  ended: z.array(z.tuple([z.int(), z.array(z.tuple([number, number]))])),
  /** `group` and `members` are numbers in the order of the records, -1 for no group. */
  episodes: z.array(
    z.object({ subject, group: z.int(), stamp: number, since: number, heard: number, members: z.array(z.int()) }),
  ),
});

type SavedGroup = z.infer<typeof group>;
type SavedMetric = z.infer<typeof metric>;

export function save({ tree, uptime, ticked, arrived, episodes, ended }: Watch): Uint8Array {
  const order: number[] = [0];
  const metric: number[] = [0];
  for (const service of tree.agent.groups.values()) {
    const index = new Map([...service.metrics.values()].map((each, i) => [each, i]));
    order.push(service.node);
    metric.push(0);
    for (const instance of service.groups.values()) {
      order.push(instance.node);
      metric.push(0);
      for (const node of instance.children.nodes()) {
        order.push(node);
        metric.push(index.get(tree.metric[node]!)!);
      }
    }
  }
  const place = new Int32Array(tree.state.length).fill(-1);
  for (let i = 0; i < order.length; i++) place[order[i]] = i;
  const placeOf = (node: number) => (node < 0 ? -1 : place[node]);
  const numbersOf = ({ clock, born, fewest, fewestBefore, day, newest, gone }: Group) => {
    const { now, resumed, heard, usual } = clock;
    const all = [now, resumed, heard, usual, born, fewest, fewestBefore, day, placeOf(newest), gone];
    return all.map((value) => (Number.isFinite(value) ? value : null));
  };
  const services = [...tree.agent.groups.values()].map((service) => {
    const metrics = [...service.metrics.values()];
    const instances = [...service.groups.values()].map((instance) => {
      return { group: [instance.resource, numbersOf(instance)], series: instance.children.size };
    });
    const named = metrics.map(({ name, statistic, kind, scope, born, gone, newest }) => {
      return [name, statistic, kind, scope.name, scope.version, born, gone, placeOf(newest)];
    });
    return { group: [service.resource, numbersOf(service)], metrics: named, instances };
  });
  const open = [...new Set(episodes.values())].map(({ group, members, ...rest }) => {
    return { ...rest, group: group ? placeOf(group.node) : -1, members: [...members].map(placeOf) };
  });
  const agent = ["", numbersOf(tree.agent)];
  const time = { uptime, ticked: Number.isFinite(ticked) ? ticked : null, arrived };
  const habits = [...ended].map(([node, silences]) => [placeOf(node), silences]);
  const head = { version: VERSION, signal: tree.signal, ...time, agent, services, ended: habits, episodes: open };
  const text = Buffer.from(JSON.stringify(head));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  return Buffer.concat([length, text, ...columnsOf(tree, order, Uint32Array.from(metric))]);
}

function columnsOf(tree: Tree, order: readonly number[], metric: Uint32Array): Uint8Array[] {
  const { gaps, stamp, last, state, parent } = tree;
  const numbers = new Float64Array(NUMBERS * order.length);
  const lengths = new Uint32Array(order.length);
  const counts = new Uint16Array(BINS * order.length);
  const attributes: string[] = [];
  for (let i = 0; i < order.length; i++) {
    const node = order[i];
    const due = parent[node]?.children.dueOf(node) ?? 0;
    const { typical, longest, longestBefore, day, began } = gaps;
    let at = i;
    for (const column of [typical, stamp, last, state]) {
      numbers[at] = column[node];
      at += order.length;
    }
    numbers[at] = due;
    for (const column of [longest, longestBefore, day, began]) {
      at += order.length;
      numbers[at] = column[node];
    }
    const text = tree.attributes[node] ?? "";
    lengths[i] = text.length;
    attributes.push(text);
    counts.set(gaps.counts.subarray(node * BINS, (node + 1) * BINS), i * BINS);
  }
  const columns = [numbers, metric, lengths, counts].map(({ buffer }) => new Uint8Array(buffer));
  return [...columns, Buffer.from(attributes.join(""), "latin1")];
}

/** The watch that was saved, made by `make` for its signal, and the nodes of its series. Throws when the bytes are not of `save`. */
export function load(saved: Uint8Array, make: (signal: Tree["signal"]) => Watch): { watch: Watch; series: number[] } {
  const bytes = Buffer.from(saved.buffer, saved.byteOffset, saved.byteLength);
  const { head, end } = headOf(bytes);
  const watch = make(head.signal);
  const { tree } = watch;
  const columns = columnsIn(bytes.subarray(end), head);
  const order: number[] = [0];
  const series: number[] = [];
  let at = 0;
  const groups: [Group, SavedGroup][] = [[tree.agent, head.agent]];
  const metrics: [Metric, SavedMetric][] = [];
  for (const each of head.services) {
    const service = tree.groupOf("service", tree.agent, each.group[0]);
    const named = each.metrics.map(namedOf);
    order.push(service.node);
    groups.push([service, each.group]);
    for (const { group, series: kept } of each.instances) {
      const instance = tree.groupOf("instance", service, group[0]);
      order.push(instance.node);
      groups.push([instance, group]);
      for (let i = 0; i < kept; i++) {
        const metric = each.metrics[columns.metric[order.length]];
        if (!metric) throw new Error("names a metric that it does not have");
        const length = columns.lengths[order.length];
        const attributes = columns.attributes.toString("latin1", at, at + length);
        at += length;
        sound(attributes);
        const node = tree.add(instance, named[columns.metric[order.length]], attributes);
        order.push(node);
        series.push(node);
      }
    }
    for (const saved of each.metrics) metrics.push([metricOf(service, namedOf(saved)), saved]);
  }
  if (at !== columns.attributes.length) throw new Error("is damaged: it has more attributes than series");
  for (const [group, saved] of groups) recall(tree, group, saved, order);
  for (const [metric, [, , , , , born, gone, newest]] of metrics) {
    Object.assign(metric, { born, gone, newest: order[newest] ?? -1 });
  }
  for (const [i, node] of order.entries()) recallNode(tree, node, columns, i);
  for (const [{ resource }] of groups) sound(resource);
  for (const { group, members, ...rest } of head.episodes) {
    sound(rest.subject.resource);
    sound(rest.subject.attributes);
    const nodes = members.map((place) => order[place]);
    const parent = group < 0 ? undefined : tree.group.get(order[group]);
    const isSilent = (node: number | undefined) => node !== undefined && tree.state[node] === TOLD;
    if (nodes.length === 0 || !nodes.every(isSilent) || (group >= 0 && !parent)) {
      throw new Error("has an episode of something that is not silent");
    }
    watch.adopt({ ...rest, group: parent, members: new Set(nodes) } satisfies Episode);
  }
  for (const [place, silences] of head.ended) if (order[place] !== undefined) watch.ended.set(order[place], silences);
  Object.assign(watch, { uptime: head.uptime, ticked: head.ticked ?? Number.NaN, arrived: head.arrived });
  return { watch, series };
}

/** Throws for attributes that could not be read when they are needed. */
function sound(attributes: string): void {
  try {
    unpacked(attributes);
  } catch (error) {
    throw new Error("is damaged: attributes in it cannot be read", { cause: error });
  }
}

function namedOf([name, statistic, kind, scope, version]: SavedMetric) {
  return { name, statistic, kind, scope: { name: scope, version } };
}

function headOf(bytes: Buffer) {
  const length = bytes.length >= 4 ? bytes.readUInt32LE(0) : -1;
  if (length < 0 || 4 + length > bytes.length) throw new Error("is not what absence saves");
  let parsed: unknown;
  try {
    parsed = JSON.parse(bytes.toString("utf8", 4, 4 + length));
  } catch {
    throw new Error("is not what absence saves");
  }
  const { data, success } = header.safeParse(parsed);
  if (!success) throw new Error("is of another version of absence, or damaged");
  return { head: data, end: 4 + length };
}

function recall(tree: Tree, group: Group, [, numbers]: SavedGroup, order: readonly number[]): void {
  const [now, resumed, heard, usual, born, fewest, fewestBefore, day, newest, gone] = numbers;
  Object.assign(group.clock, { now: now ?? 0, resumed: resumed ?? 0, heard: heard ?? Number.NaN, usual: usual ?? 0 });
  const never = Number.POSITIVE_INFINITY;
  Object.assign(group, {
    born: born ?? 0,
    fewest: fewest ?? never,
    fewestBefore: fewestBefore ?? never,
    day: day ?? 0,
    gone: gone ?? 0,
  });
  group.newest = order[newest ?? -1] ?? -1;
  tree.stir(group);
}

type Columns = ReturnType<typeof columnsIn>;

function columnsIn(bytes: Buffer, { services }: z.infer<typeof header>) {
  const instances = services.flatMap((service) => service.instances);
  const nodes = instances.reduce((sum, { series }) => sum + series, 1 + services.length + instances.length);
  if (bytes.length < nodes * NODE) throw new Error("has not as many nodes as it says");
  // copied, since columns must be aligned
  const all = Uint8Array.from(bytes.subarray(0, nodes * NODE)).buffer;
  const metric = NUMBERS * 8 * nodes;
  return {
    nodes,
    numbers: new Float64Array(all, 0, NUMBERS * nodes),
    metric: new Uint32Array(all, metric, nodes),
    lengths: new Uint32Array(all, metric + 4 * nodes, nodes),
    counts: new Uint16Array(all, metric + 8 * nodes, BINS * nodes),
    attributes: bytes.subarray(nodes * NODE),
  };
}

function recallNode(tree: Tree, node: number, { numbers, counts, nodes }: Columns, i: number): void {
  const seen = counts.subarray(i * BINS, (i + 1) * BINS);
  let total = 0;
  for (let bin = 0; bin < BINS; bin++) total += seen[bin];
  const own = Array.from({ length: NUMBERS }, (_, k) => numbers[k * nodes + i]);
  const [typical, stamp, last, state, due, longest, longestBefore, day, began] = own;
  const possible = own.every(Number.isFinite) && [HEARD, QUIET, TOLD].includes(state);
  if (total > MEMORY || !possible) throw new Error("is damaged: a node in it is not possible");
  tree.gaps.recall(node, seen, total, typical);
  tree.gaps.longest[node] = longest;
  tree.gaps.longestBefore[node] = longestBefore;
  tree.gaps.day[node] = day;
  tree.gaps.began[node] = began;
  tree.stamp[node] = stamp;
  tree.last[node] = last;
  tree.state[node] = state;
  const parent = tree.parent[node];
  if (!parent) return;
  if (state !== HEARD) parent.living--;
  parent.children.set(node, due);
}
