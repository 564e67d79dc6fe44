// A simulated operator: looks at every alarm an hour after it began, says whether it was worth telling, and errs now and then.
import { effectsOf, type Lesson, type Subject } from "../plugins/extensions/anomaly_store/effects.ts";
import feedback from "../plugins/processors/feedback/index.ts";
import { type Anomaly, type AnomalyStore, type Effect, effectSubjectOf, type Feedback } from "../src/api/index.ts";
import { fakeHost, START, seededRandom } from "../src/testing/fake_host.ts";
import { DAY, type Fault, JUDGED, SILENT, seriesOf, WEEK, WEEKS, type World } from "./feedback_world.ts";

const HOUR = 3_600_000;
/** Anomalies of one fingerprint that are not farther apart are one alarm. */
const GAP = HOUR;
/** After a fault's end, alarms on its series are its own; it is found no later than so long after its end. */
const AFTER = 2 * HOUR;
const LATE = HOUR / 4;

export interface Habits {
  /** Share of alarms of which the wrong thing is said. */
  readonly errs: number;
  readonly raise: number;
  /** Days that feedback holds. */
  readonly expire: number;
}

interface Alarm {
  readonly first: Anomaly;
  last: number;
  peak: number;
  deviation: number;
  bands: number;
}

export interface Run {
  /** All that passed, in order. */
  readonly told: readonly Anomaly[];
  /** False alarms by week. */
  readonly falseAlarms: readonly number[];
  /** Of each fault of the weeks after learning, by week: whether it was told in time. */
  readonly found: readonly (readonly boolean[])[];
  readonly lessons: readonly Lesson[];
  readonly effects: readonly Effect[];
}

/** The processor, as the agent runs it, on effects that the operator changes. */
export class Processing {
  effects: readonly Effect[] = [];
  readonly #part: ReturnType<typeof feedback.create>;

  constructor() {
    const host = fakeHost("feedback");
    const self = this;
    const anomalies = {
      get effects() {
        return self.effects;
      },
    } as unknown as AnomalyStore;
    host.extensions.set("anomaly_store", { anomalies });
    this.#part = feedback.create(feedback.config.parse({ store: "anomaly_store" }), host);
  }

  pass(anomaly: Anomaly): Anomaly | undefined {
    return this.#part.process([anomaly])?.[0];
  }
}

/** With `habits`, the operator speaks from week SILENT to JUDGED; without, never. */
export function operated(world: World, habits?: Habits): Run {
  const random = seededRandom(world.seed + 77);
  const processing = new Processing();
  const alarms: Alarm[] = [];
  const open = new Map<string, Alarm>();
  const told: Anomaly[] = [];
  let lessons: Lesson[] = [];
  let looked = 0;
  /** When effects end next. */
  let until = Number.POSITIVE_INFINITY;

  /** Says something of the alarms that are an hour old. */
  function look(now: number): void {
    if (!habits) return;
    let said = false;
    for (; looked < alarms.length && alarms[looked].first.time + HOUR <= now; looked++) {
      const alarm = alarms[looked];
      if (weekOf(alarm.first.time) < SILENT || weekOf(alarm.first.time) >= JUDGED) continue;
      const wrong = random() < habits.errs;
      const opinion = (faultOf(world, alarm.first) !== undefined) !== wrong ? "good" : "bad";
      lessons.push(lessonOf(alarm, opinion, alarm.first.time + HOUR, habits));
      said = true;
    }
    if (!said && now < until) return;
    lessons = lessons.filter(({ feedback }) => feedback.until > now);
    processing.effects = effectsOf(lessons, habits.raise);
    until = Math.min(...lessons.map(({ feedback }) => feedback.until));
  }

  for (const anomaly of world.anomalies) {
    look(anomaly.time);
    const passed = processing.pass(anomaly);
    if (!passed) continue;
    told.push(passed);
    const { fingerprint, time, score } = anomaly;
    const { deviation, bands } = effectSubjectOf(anomaly);
    let alarm = open.get(fingerprint);
    if (!alarm || time - alarm.last > GAP) {
      alarm = { first: anomaly, last: time, peak: score, deviation, bands };
      open.set(fingerprint, alarm);
      alarms.push(alarm);
    }
    alarm.last = time;
    alarm.peak = Math.max(alarm.peak, score);
    alarm.deviation = Math.max(alarm.deviation, deviation);
    alarm.bands = Math.max(alarm.bands, bands);
  }
  const falseAlarms = Array.from({ length: WEEKS }, () => 0);
  for (const { first } of alarms) if (!faultOf(world, first)) falseAlarms[weekOf(first.time)]++;
  const found = Array.from({ length: WEEKS }, (_, week) =>
    world.faults.filter(({ begin }) => weekOf(begin) === week).map((fault) => told.some((each) => finds(each, fault))),
  );
  return { told, falseAlarms, found, lessons, effects: processing.effects };
}

const weekOf = (time: number) => Math.floor((time - START) / WEEK);
const faultOf = (world: World, anomaly: Anomaly) =>
  world.faults.find(
    ({ series, begin, end }) => series === seriesOf(anomaly) && anomaly.time >= begin && anomaly.time <= end + AFTER,
  );

const finds = (anomaly: Anomaly, { series, begin, end }: Fault) =>
  series === seriesOf(anomaly) && anomaly.time >= begin && anomaly.time <= end + LATE;

function lessonOf(alarm: Alarm, opinion: Feedback["opinion"], at: number, { expire }: Habits): Lesson {
  const { direction, deviation: _, bands: __, ...own } = effectSubjectOf(alarm.first);
  const { peak, deviation, bands } = alarm;
  const subject: Subject = {
    ...own,
    ...(direction && { direction }),
    peak,
    ...(!Number.isNaN(deviation) && { deviation }),
    ...(!Number.isNaN(bands) && { bands }),
  };
  const about = alarm.first.id;
  return {
    feedback: { id: `f ${about}`, about, opinion, note: "", by: "operator", at, until: at + expire * DAY },
    subjects: [subject],
  };
}
