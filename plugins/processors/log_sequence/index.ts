// Which log messages come together: tells those that lack where they always were, and combinations that never were.
import { type Batch, defineFinder, duration, ofService, Services, StatementColumn, type Templates, z } from "vedette";
import { Combiner } from "./combiner.ts";
import { type Group, Groups } from "./groups.ts";
import { INTERVAL, Judge } from "./judge.ts";
import { type Key, keyOf, SessionKey, word } from "./keys.ts";
import { load, type Memory, save } from "./saved.ts";
import { Service } from "./service.ts";

const MOST_SERVICES = 2000;
const MOST_ROWS = 20_000;
/** After a pause of so long, records of the groups that were open were missed: of the agent's, and of its clock while it runs. Milliseconds. */
const MISSED = 5000;
const LEAPT = 30_000;
const DAY = 86_400_000;
/** What has no number for want of room. */
const NO_ROOM = -1;

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
    const known: (Service | null | undefined)[] = [];
    /** The number of its message in its service, + 1; NO_ROOM. */
    const messages = new StatementColumn();
    let templates: Templates | undefined;
    let ticked = Number.NaN;
    let day = Number.NaN;
    /** No record came yet. */
    let begins = true;

    function decide(batch: Batch, row: number, time: number): Service | null {
      const labels = batch.labels(row);
      if (!detection.allows(labels)) return null;
      return all.join(labels, (key) => new Service(key, time, ofService(labels))) ?? null;
    }

    /** The number of a message, + 1, which may be a new one; NO_ROOM. */
    function number(batch: Batch<"logs">, row: number, service: Service): number {
      const { template, statement } = batch.mined!;
      const labels = () => ofService(batch.labels(row));
      const { generation } = service;
      const own = service.message(templates!.id(template[row]), batch.receivedAt, labels, release);
      // it has got the number of another
      if (service.generation !== generation) messages.values.fill(0);
      messages.values[statement[row]] = own < 0 ? NO_ROOM : own + 1;
      return messages.values[statement[row]];
    }

    /** The slot of a new group. */
    function open(
      among: Groups,
      { bytes, rows, receivedAt }: Batch<"logs">,
      row: number,
      service: Service,
      key: Key,
    ): number {
      if (among.isFull) among.complete(receivedAt, among === sessions ? completeSession : complete);
      const at = key === usual && group_by === "trace_id" ? rows.traceId[row] : 0;
      return among.open({
        service,
        generation: service.generation,
        high: key.high,
        low: key.low,
        left0: at > 0 ? word(bytes, at) : 0,
        left1: at > 0 ? word(bytes, at + 4) : 0,
        partial: receivedAt < memory.missed + among.idle,
        last: receivedAt,
        messages: [],
      });
    }

    const complete = (group: Group) => learn(group, group_by === "trace_id");
    const completeSession = (group: Group) => learn(group, false);

    function learn(group: Group, isTrace: boolean): void {
      const { service, generation, messages, partial, low, high, left0, left1 } = group;
      if (partial || messages.length === 0 || generation !== service.generation) return;
      combiner.combine(messages);
      const combination = service.fresh.get(combiner.key);
      if (!combination) {
        service.fresh.set(combiner.key, { ...combiner.parts, groups: 1, low, high, left0, left1, isTrace });
        return;
      }
      combination.groups++;
      // whichever came first
      if (low >= combination.low) return;
      combination.low = low;
      combination.high = high;
      combination.left0 = left0;
      combination.left1 = left1;
      combination.isTrace = isTrace;
    }

    /** Records were missed: what is open is not whole, nor is what goes on. */
    function missed(now: number): void {
      groups.miss();
      sessions.miss();
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
        const isOther = messages.begin(mined);
        if (isOther || today !== day) {
          // once a day there may be room for messages that had none
          messages.values.fill(0);
          day = today;
          session?.reset();
        }
        templates = mined.templates;
        const records = batch as Batch<"logs">;
        const { statement } = mined;
        const { values } = messages;
        for (let i = 0; i < rows.length; i++) {
          if (statement[i] === 0) continue;
          let key = usual;
          let among = groups;
          if (!key.read(records, i)) {
            if (!session?.read(records, i)) continue;
            key = session;
            among = sessions;
          }
          let service = known[rows.series[i]];
          if (service === undefined) {
            service = decide(batch, i, receivedAt);
            known[rows.series[i]] = service;
          }
          if (service === null) continue;
          const message = values[statement[i]] || number(records, i, service);
          if (message === NO_ROOM) continue;
          let group = among.find(service, key.high, key.low);
          if (group < 0) group = open(among, records, i, service, key);
          among.add(group, message - 1, receivedAt);
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
        const service = known[id];
        known[id] = undefined;
        session?.forget(id);
        if (service) service.series--;
      },
      save: () => save(memory),
      load(bytes) {
        load(bytes, memory);
      },
    };
  },
});
