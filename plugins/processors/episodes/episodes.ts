// The episodes of all fingerprints: opened, followed, ended when their time has come.
import { type Anomaly, isGraver, type Logger } from "vedette";
import { type Course, change, idOf, report, scoreOf, startOf, timeOf } from "./course.ts";
import { Deadlines } from "./deadlines.ts";
import type { Options } from "./index.ts";
import type { Saved } from "./saved.ts";

/** It is over after a silence of so many of its usual gaps. */
const GAPS = 3;
/** Milliseconds between two anomalies that may be the rhythm of one thing; for so long at least what is over is remembered. */
const LONGEST_GAP = 1_200_000;
/** A finder that would tell the end but says nothing for so long has forgotten it. */
const FORGOTTEN = 7 * 86_400_000;

/** Episodes that are looked at to find one to give up. */
const NEAR = 100;

export class Episodes {
  readonly #options: Options;
  readonly #log: Logger;
  /** In the order in which they were last seen. */
  readonly #courses = new Map<string, Course>();
  readonly #deadlines = new Deadlines<Course>();
  #told: Anomaly[] = [];
  /** When there were no episodes before it, in Unix milliseconds. */
  #begun: number;
  #full = false;

  constructor(options: Options, log: Logger, now: number) {
    this.#options = options;
    this.#log = log;
    this.#begun = now;
  }

  /** Whether there is something to tell. */
  get due(): boolean {
    return this.#told.length > 0;
  }

  /** What is to be told since the last time. */
  told(): Anomaly[] {
    const told = this.#told;
    this.#told = [];
    return told;
  }

  /** How many are open. */
  get open(): number {
    let open = 0;
    for (const { state } of this.#courses.values()) if (state === "open") open++;
    return open;
  }

  /** An anomaly came at `now`, in Unix milliseconds. What is an episode or an incident already goes on as it is. */
  take(row: Anomaly, now: number): void {
    if (row.episode) {
      this.#told.push(row);
      return;
    }
    const known = this.#courses.get(row.fingerprint);
    if (known) this.#look(known, now);
    if (row.state === "resolved") this.#end(row, now);
    else this.#follow(row, now);
  }

  /** What a detector told goes on at `time`, it says at `now`: what is open was seen, what is over stays over. */
  lasts(fingerprint: string, time: number, now: number): void {
    const course = this.#courses.get(fingerprint);
    if (!course) return;
    this.#look(course, now);
    this.#hear(course, now);
    if (course.state === "over") return;
    course.lastSeen = Math.max(course.lastSeen, timeOf(time, now));
    this.#courses.delete(fingerprint);
    this.#courses.set(fingerprint, course);
    // it may be long enough by now
    this.#look(course, now);
  }

  tick(now: number): void {
    const due = this.#deadlines.take(now).map((course) => ({ course, at: this.#next(course) }));
    // of the same moment in an order that no restart changes
    due.sort((a, b) => a.at - b.at || a.course.start - b.course.start || (a.course.id < b.course.id ? -1 : 1));
    for (const { course } of due) if (this.#courses.get(course.fingerprint) === course) this.#look(course, now);
  }

  save() {
    const episodes = Array.from(this.#courses.values(), ({ due: _, ...course }) => course);
    return { episodes, told: this.#told, begun: this.#begun };
  }

  load({ episodes, told, begun }: Saved): void {
    this.#told = told;
    this.#begun = begun;
    for (const each of episodes) {
      const course: Course = { ...each, due: Number.POSITIVE_INFINITY };
      this.#courses.set(course.fingerprint, course);
      this.#deadlines.set(course, this.#next(course));
    }
    while (this.#courses.size > this.#options.max_episodes) this.#makeRoom();
  }

  #follow(row: Anomaly, now: number): void {
    const at = timeOf(row.time, now);
    const before = this.#courses.get(row.fingerprint);
    const course = this.#courseOf(row, at, now, before);
    this.#courses.delete(row.fingerprint);
    if (!before && this.#courses.size >= this.#options.max_episodes) this.#makeRoom();
    this.#courses.set(row.fingerprint, course);
    this.#hear(course, now, before?.heard);
    course.lastSeen = Math.max(course.lastSeen, at);
    const score = scoreOf(row);
    const graver = isGraver(row.severity, course.severity);
    if (score > scoreOf(course.worst)) course.worst = row;
    if (graver) course.severity = row.severity;
    course.peak = Math.max(course.peak, score);
    course.count++;
    course.rows++;
    if (course.state === "untold") {
      const told = () => (row === course.worst ? change(course, "open", row) : report(course, "open", at));
      if (this.#isLongEnough(course, now)) this.#tell(course, told(), now);
    } else if (graver || (score > course.score && score >= course.score * this.#options.escalate)) {
      this.#tell(course, change(course, "ongoing", row), now);
    }
    this.#deadlines.set(course, this.#next(course));
  }

  /** Something of it came at `now`, as it did before at `last`; learns what usually lies between. */
  #hear(course: Course, now: number, last = course.heard): void {
    const gap = now - last;
    if (gap > this.#options.resolve_after / GAPS && gap <= LONGEST_GAP) {
      course.gap = course.gap === 0 ? gap : (course.gap + gap) / 2;
    }
    course.heard = now;
  }

  /** The episode that the anomaly belongs to: the one that is open, the last one opened again, or a new one. */
  #courseOf(row: Anomaly, at: number, now: number, before: Course | undefined): Course {
    if (before && before.state !== "over") return before;
    const opening = { state: "untold", rows: 0, worst: row, severity: row.severity, score: 0, told: now } as const;
    const start = startOf(row, at);
    const id = idOf(row, start);
    if (before && (now < before.over + this.#options.cooldown || id === before.id)) {
      return Object.assign(before, { ...opening, from: Math.max(start, before.lastSeen) });
    }
    const clock = { heard: now, over: 0, due: Number.POSITIVE_INFINITY, gap: before?.gap ?? 0 };
    const { fingerprint } = row;
    return { ...opening, ...clock, id, fingerprint, start, from: start, lastSeen: at, peak: 0, count: 0 };
  }

  /** Its finder says that it is over. */
  #end(row: Anomaly, now: number): void {
    const course = this.#courses.get(row.fingerprint);
    const time = timeOf(row.time, now);
    if (!course) {
      const start = startOf(row, time);
      // it was held back, or given up
      if (start >= this.#begun) return;
      // from before there were episodes: whoever was told of it is told its end
      const episode = { start, lastSeen: time, end: time, peak: scoreOf(row), count: 1 };
      this.#told.push({ ...row, id: idOf(row, start), episode });
      return;
    }
    if (course.state === "over") return;
    course.lastSeen = Math.max(course.lastSeen, time);
    const { score, rarity } = course.worst;
    this.#close(course, change(course, "resolved", { ...row, score, rarity }), now);
  }

  /** Does what is due at `now`, in order. */
  #look(course: Course, now: number): void {
    if (course.state === "over") {
      if (now >= this.#next(course)) this.#courses.delete(course.fingerprint);
      else this.#deadlines.set(course, this.#next(course));
      return;
    }
    const ends = this.#ends(course);
    if (now >= ends) {
      const time = Math.max(ends, course.lastSeen);
      this.#close(course, report(course, "resolved", time), ends);
      this.#look(course, now);
      return;
    }
    const { repeat_interval } = this.#options;
    if (course.state === "untold") {
      if (this.#isLongEnough(course, now)) this.#tell(course, report(this.#seen(course, now), "open", now), now);
    } else if (repeat_interval > 0 && now >= course.told + repeat_interval) {
      const at = now - ((now - course.told) % repeat_interval);
      this.#tell(course, report(this.#seen(course, at), "ongoing", at), at);
    }
    this.#deadlines.set(course, this.#next(course));
  }

  /** What lasts until its finder says otherwise is there without a word. */
  #seen(course: Course, now: number): Course {
    if (course.worst.untilResolved) course.lastSeen = Math.max(course.lastSeen, now);
    return course;
  }

  #tell(course: Course, told: Anomaly, now: number): void {
    course.state = "open";
    course.score = scoreOf(course.worst);
    course.told = now;
    this.#told.push(told);
  }

  #close(course: Course, told: Anomaly, now: number): void {
    if (course.state === "open") this.#told.push(told);
    course.state = "over";
    course.over = now;
    this.#deadlines.set(course, this.#next(course));
  }

  #isLongEnough({ severity, worst, from, lastSeen, told, rows }: Course, now: number): boolean {
    const { min_duration, min_count } = this.#options;
    if (severity === "critical") return true;
    if (worst.untilResolved) return now - told >= min_duration;
    return rows >= min_count && lastSeen - from >= min_duration;
  }

  /** When it is over, if nothing comes before. */
  #ends({ worst, heard, gap }: Course): number {
    return heard + (worst.untilResolved ? FORGOTTEN : Math.max(this.#options.resolve_after, GAPS * gap));
  }

  /** When there is something to do about it, if nothing comes before. */
  #next(course: Course): number {
    const { state, worst, told, over, heard } = course;
    const { cooldown, repeat_interval, min_duration } = this.#options;
    if (state === "over") return Math.max(over + cooldown, heard + LONGEST_GAP);
    const ends = this.#ends(course);
    if (state === "open") return repeat_interval > 0 ? Math.min(ends, told + repeat_interval) : ends;
    return worst.untilResolved ? Math.min(ends, told + min_duration) : ends;
  }

  /** Gives up the one seen longest ago; one that is over rather than one that is not, if there is one near it. */
  #makeRoom(): void {
    const [oldest] = this.#courses.values();
    const course =
      this.#courses
        .values()
        .take(NEAR)
        .find(({ state }) => state === "over") ?? oldest;
    this.#courses.delete(course.fingerprint);
    if (course.state === "over") return;
    if (course.state === "open") this.#told.push(report(course, "resolved", course.lastSeen));
    if (!this.#full) {
      const { max_episodes } = this.#options;
      this.#log.warn("too many episodes: the one seen longest ago is resolved for each new one", { max_episodes });
    }
    this.#full = true;
  }
}
