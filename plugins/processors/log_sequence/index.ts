// Which log messages come together: tells those that lack where they always were, and combinations that never were.
import { type Batch, defineFinder, duration, ofService, Services, type Templates, z } from "vedette";
import { Combiner } from "./combiner.ts";
import { type Group, Groups, traceOf } from "./groups.ts";
import { INTERVAL, Judge } from "./judge.ts";
import { type Key, keyOf, SessionKey } from "./keys.ts";
import { load, type Memory, save } from "./saved.ts";
import { Service } from "./service.ts";

const MOST_SERVICES = 2000;
const MOST_ROWS = 20_000;
/** Numbers of templates that a series remembers. */
const MOST_NUMBERS = 10_000;
/** After a pause of so long, records of the groups that were open were missed: of the agent's, and of its clock while it runs. Milliseconds. */
const MISSED = 5000;
const LEAPT = 30_000;
/** A row of later than this ahead of the clock is taken for one of now. Milliseconds. */
const AHEAD = 600_000;
const DAY = 86_400_000;

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
        "What holds records together: `trace_id` (or `session.id`, where a record has no trace), the key of an attribute of the records such as `session.id`, or `window` for all that a service writes within `window`.",
      ),
    window: duration()
      .refine((length) => length >= 1000, "must be at least 1s")
      .prefault("1m")
      .describe("Length of a window, where `group_by` is `window`."),
    idle_timeout: duration()
      .refine((length) => length >= 1000, "must be at least 1s")
      .prefault("30s")
      .describe("A group is complete when no record of it came for so long."),
    session_timeout: duration()
      .prefault("5m")
      .describe("The same of a session, where `group_by` is `trace_id`. 0s: sessions are not looked at."),
    max_groups: z
      .int()
      .positive()
      .default(20_000)
      .describe("Groups open at once; when there are more, the older half is taken for complete."),
    learning: duration().prefault("1h").describe("How long a service is listened to before anything about it is told."),
  }),
  create({ group_by, window, idle_timeout, session_timeout, max_groups, learning, max_series }, host, detection) {
    const usual = keyOf(group_by, window);
    const session = group_by === "trace_id" && session_timeout > 0 ? new SessionKey() : undefined;
    const combiner = new Combiner();
    const limits = { learning, rows: Math.min(max_series, MOST_ROWS) };
    const memory: Memory = {
      by: group_by,
      services: new Map(),
      groups: new Groups(max_groups, idle_timeout),
      sessions: new Groups(max_groups, session_timeout),
      judge: new Judge(detection, group_by, limits),
      judged: Number.NaN,
      heard: Number.NaN,
      missed: Number.NaN,
    };
    const { services, groups, sessions, judge } = memory;
    const release = (row: number) => judge.release(row);
    const all = new Services(services, MOST_SERVICES, host.log, ({ messages }) => {
      for (const { row } of messages) if (row >= 0) release(row);
    });
    /** By id of a series; null: not watched. */
    const known: (Series | null | undefined)[] = [];
    let templates: Templates | undefined;
    let ticked = Number.NaN;
    let day = Number.NaN;
    /** No record came yet. */
    let begins = true;

    function decide(batch: Batch, row: number, time: number): Series | null {
      const labels = batch.labels(row);
      if (!detection.allows(labels)) return null;
      const service = all.join(labels, (key) => new Service(key, time, ofService(labels)));
      if (!service) return null;
      return { service, messages: new Map(), generation: service.generation };
    }

    function number(batch: Batch<"logs">, row: number, series: Series, template: number): number {
      const { service, messages } = series;
      const labels = () => ofService(batch.labels(row));
      const own = service.message(templates!.id(template), batch.receivedAt, labels, release);
      if (series.generation !== service.generation) messages.clear();
      series.generation = service.generation;
      if (messages.size >= MOST_NUMBERS) messages.clear();
      messages.set(template, own);
      return own;
    }

    /** The open group with that key, or a new one. */
    function groupOf(among: Groups, service: Service, key: Key, now: number): Group {
      const { high, low, left0, left1 } = key;
      const group = among.find(service, high, low);
      if (group) return group;
      if (among.isFull) among.complete(now, among === sessions ? completeSession : complete);
      const { generation } = service;
      const partial = now < memory.missed + among.idle;
      return among.open({ service, generation, high, low, left0, left1, partial, last: now, messages: [] });
    }

    const complete = (group: Group) => learn(group, group_by === "trace_id");
    const completeSession = (group: Group) => learn(group, false);

    function learn(group: Group, isTrace: boolean): void {
      const { service, generation, messages, partial, low } = group;
      if (partial || messages.length === 0 || generation !== service.generation) return;
      combiner.combine(messages);
      let combination = service.fresh.get(combiner.key);
      if (!combination) {
        combination = { ...combiner.parts, groups: 0, low, trace: isTrace ? traceOf(group) : "" };
        service.fresh.set(combiner.key, combination);
      }
      combination.groups++;
      // whichever came first
      if (low < combination.low) Object.assign(combination, { low, trace: isTrace ? traceOf(group) : "" });
    }

    /** Records were missed: what is open is not whole, nor is what goes on. */
    function missed(now: number): void {
      for (const among of [groups, sessions]) for (const group of among) group.partial = true;
      memory.missed = now;
    }

    return {
      process(batch) {
        const { rows, receivedAt, mined } = batch;
        if (!mined) return batch;
        if (!(receivedAt - memory.heard <= MISSED) && begins) missed(receivedAt);
        begins = false;
        memory.heard = receivedAt;
        const today = Math.floor(receivedAt / DAY);
        if (mined.templates !== templates || today !== day) {
          // numbers of another miner mean others; once a day there may be room for messages that had none
          templates = mined.templates;
          day = today;
          for (const each of known) each?.messages.clear();
          session?.reset();
        }
        const records = batch as Batch<"logs">;
        for (let i = 0; i < rows.length; i++) {
          const template = mined.template[i];
          if (template === 0) continue;
          const t = rows.time[i];
          const time = t > 0 && t <= receivedAt + AHEAD ? t : receivedAt;
          let key = usual;
          let among = groups;
          if (!key.read(records, i, time)) {
            if (!session?.read(records, i)) continue;
            key = session;
            among = sessions;
          }
          let series = known[rows.series[i]];
          if (series === undefined) {
            series = decide(batch, i, receivedAt);
            known[rows.series[i]] = series;
          }
          if (series === null) continue;
          const current = series.generation === series.service.generation;
          const message = (current ? series.messages.get(template) : undefined) ?? number(records, i, series, template);
          if (message < 0) continue;
          among.add(groupOf(among, series.service, key, receivedAt), message, receivedAt);
        }
        return batch;
      },
      tick(now) {
        if (Math.abs(now - ticked) > LEAPT) missed(now);
        ticked = now;
        groups.complete(now, complete);
        sessions.complete(now, completeSession);
        const interval = Math.floor(now / INTERVAL) * INTERVAL;
        if (Number.isNaN(memory.judged) || interval < memory.judged - INTERVAL) memory.judged = interval;
        if (interval <= memory.judged) return;
        memory.judged = interval;
        const hidden = templates?.hidden ?? true;
        for (const service of services.values()) {
          // the clock was set back: it is learnt anew
          service.began = Math.min(service.began, interval);
          if (service.fresh.size > 0) judge.judge(service, interval, services.values(), hidden);
        }
      },
      forget(_, id) {
        const series = known[id];
        known[id] = undefined;
        session?.forget(id);
        if (series) series.service.series--;
      },
      save: () => save(memory),
      load(bytes) {
        load(bytes, memory);
      },
    };
  },
});
