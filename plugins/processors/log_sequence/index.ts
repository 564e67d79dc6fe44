// Which log messages come together: tells those that lack where they always were, and combinations that never were.
import { type Batch, defineFinder, duration, type Labels, type Templates, z } from "vedette";
import { Columns, RATIO_STATE } from "vedette/counts";
import { Combiner } from "./combiner.ts";
import { type Group, Groups, LONGEST } from "./groups.ts";
import { INTERVAL, Judge } from "./judge.ts";
import { keyOf } from "./keys.ts";
import { load, type Memory, save } from "./saved.ts";
import { Service } from "./service.ts";
import { nounOf } from "./words.ts";

/** A message is well known from so many groups on, in a service of so many. */
const KNOWN = 50;
const KNOWN_GROUPS = 500;
const MOST_SERVICES = 2000;
const MOST_ROWS = 20_000;
/** After a pause of so long, records of the groups that were open were missed. Milliseconds. */
const MISSED = 5000;
const AHEAD = 600_000;

/** What is known of a series: its service, and the numbers of messages there by number of template. */
interface Series {
  readonly service: Service;
  readonly messages: Map<number, number>;
  /** Of the service's numbers. */
  generation: number;
}

export default defineFinder({
  type: "log_sequence",
  signals: ["logs"],
  stability: "beta",
  summary: "Tells log messages that lack in a trace or session where they always were, and combinations never seen.",
  templates: "needs",
  finds: ["sequence"],
  defaults: { warmup: 0, threshold: 6 },
  config: z.object({
    group_by: z
      .string()
      .min(1)
      .default("trace_id")
      .describe(
        "What holds records together: `trace_id`, the key of an attribute of the records such as `session.id`, or `window` for all that a service writes within `window`.",
      ),
    window: duration()
      .refine((length) => length >= 1000, "must be at least 1s")
      .prefault("1m")
      .describe("Length of a window, where `group_by` is `window`."),
    idle_timeout: duration()
      .refine((length) => length >= 1000, "must be at least 1s")
      .prefault("30s")
      .describe("A group is complete when no record of it came for so long."),
    max_groups: z
      .int()
      .positive()
      .default(20_000)
      .describe("Groups open at once; when there are more, the older half is taken for complete."),
    learning: duration().prefault("1h").describe("How long a service is listened to before anything about it is told."),
  }),
  create({ group_by, window, idle_timeout, max_groups, learning, max_series }, host, detection) {
    const key = keyOf(group_by, window);
    const combiner = new Combiner();
    const columns = new Columns(RATIO_STATE);
    const limits = { learning, rows: Math.min(max_series, MOST_ROWS) };
    const memory: Memory = {
      by: group_by,
      services: new Map(),
      groups: new Groups(max_groups, idle_timeout),
      columns,
      judge: new Judge(columns, detection, nounOf(group_by), limits),
      judged: Number.NaN,
      heard: Number.NaN,
    };
    const { services, groups, judge } = memory;
    /** By id of a series; null: not watched. */
    const known: (Series | null | undefined)[] = [];
    let templates: Templates | undefined;
    /** Groups that began before are not whole. Unix milliseconds. */
    let partial = Number.NEGATIVE_INFINITY;
    /** No record came yet. */
    let begins = true;
    let full = false;

    function decide(batch: Batch, row: number, time: number): Series | null {
      const labels = batch.labels(row);
      if (!detection.allows(labels)) return null;
      const name = JSON.stringify([labels.resource["service.namespace"], labels.resource["service.name"]].map(String));
      let service = services.get(name);
      if (!service) {
        if (services.size >= MOST_SERVICES) leave();
        if (services.size >= MOST_SERVICES) {
          if (!full)
            host.log.warn("too many services: new ones are not watched; narrow match", { most: MOST_SERVICES });
          full = true;
          return null;
        }
        service = new Service(name, time, plain(labels));
        services.set(name, service);
      }
      service.series++;
      return { service, messages: new Map(), generation: service.generation };
    }

    /** Services that the agent has forgotten make room. */
    function leave(): void {
      for (const [name, { series }] of services) if (series === 0) services.delete(name);
    }

    function number(batch: Batch<"logs">, row: number, series: Series, template: number): number {
      const { service, messages } = series;
      const own = service.message(templates!.id(template), batch.receivedAt, () => plain(batch.labels(row)));
      if (series.generation !== service.generation) messages.clear();
      series.generation = service.generation;
      messages.set(template, own);
      return own;
    }

    function complete({ service, messages, text, last }: Group): void {
      if (messages.length === 0) return;
      combiner.combine(messages);
      let combination = service.combinations.get(combiner.key);
      if (!combination) {
        const own = combiner.messages;
        const novel =
          service.groups >= KNOWN_GROUPS && own.every((message) => service.messages[message].groups >= KNOWN);
        const times = { first: last, last, counted: last };
        combination = {
          key: combiner.key,
          messages: own,
          groups: 0,
          fresh: 0,
          example: text,
          ...times,
          added: 0,
          tried: 0,
          novel,
        };
        service.add(combination);
        if (novel) service.discoveries[0].add(last);
      }
      combination.fresh++;
      combination.last = last;
      combination.example = text;
      service.fresh.add(combination);
    }

    /** Records were missed before the agent heard any: what was open then is not whole. */
    function missed(now: number): void {
      groups.complete(Number.POSITIVE_INFINITY, () => {});
      partial = now + idle_timeout;
    }

    return {
      process(batch) {
        const { rows, receivedAt, mined } = batch;
        if (!mined) return batch;
        if (!(receivedAt - memory.heard <= MISSED) && begins) missed(receivedAt);
        begins = false;
        memory.heard = receivedAt;
        if (mined.templates !== templates) {
          templates = mined.templates;
          for (const each of known) each?.messages.clear();
        }
        const records = batch as Batch<"logs">;
        for (let i = 0; i < rows.length; i++) {
          const template = mined.template[i];
          if (template === 0) continue;
          const t = rows.time[i];
          const time = t > 0 && t <= receivedAt + AHEAD ? t : receivedAt;
          if (!key.read(records, i, time)) continue;
          let series = known[rows.series[i]];
          if (series === undefined) {
            series = decide(batch, i, receivedAt);
            known[rows.series[i]] = series;
          }
          if (series === null) continue;
          const current = series.generation === series.service.generation;
          const message = (current ? series.messages.get(template) : undefined) ?? number(records, i, series, template);
          if (message < 0) continue;
          const { service } = series;
          let group = groups.find(service, key.high, key.low);
          if (!group) {
            if (receivedAt < partial) continue;
            if (groups.isFull) groups.complete(receivedAt, complete);
            group = groups.open(service, key.high, key.low, key.text(records, i), receivedAt);
          }
          group.last = receivedAt;
          if (group.messages.length < LONGEST) group.messages.push(message);
        }
        return batch;
      },
      tick(now) {
        groups.complete(now, complete);
        const interval = Math.floor(now / INTERVAL) * INTERVAL;
        if (Number.isNaN(memory.judged) || interval < memory.judged - INTERVAL) memory.judged = interval;
        if (interval <= memory.judged) return;
        memory.judged = interval;
        for (const service of services.values()) {
          if (service.fresh.size > 0) judge.judge(service, interval, services.values());
        }
      },
      forget(_, id) {
        const series = known[id];
        known[id] = undefined;
        if (series) series.service.series--;
      },
      save: () => save(memory),
      load(bytes) {
        load(bytes, memory);
      },
    };
  },
});

/** Without what is of one record alone; its text, as an example, stays. */
function plain({ resource, ...labels }: Labels): Labels {
  const keys = ["service.namespace", "service.name"].filter((key) => resource[key] !== undefined);
  const own = Object.fromEntries(keys.map((key) => [key, resource[key]]));
  return { ...labels, resource: own, scope: { name: "", version: "" }, attributes: {}, traceId: "", spanId: "" };
}
