// Windows of a length that open by a crontab in a time zone: whether one is open at a time, through changes of the clocks too.
import { type Cron, parseCron } from "./cron.ts";

const MINUTE = 60_000;
/** Offsets change at quarters of an hour only. */
const QUARTER = 15 * MINUTE;
/** Longest that clocks are set back for: a local time that comes again within it is the same. */
const REPEATED = 3 * 3_600_000;

/** As cron does: a time that is skipped when clocks are set forward comes right after, one that comes twice counts once. */
export class Recurrence {
  readonly #cron: Cron;
  readonly #length: number;
  readonly #zone: Intl.DateTimeFormat;
  /** The quarter of an hour of which the offset is known. */
  #quarter = Number.NaN;
  #offset = 0;
  /** The last minute that was looked at, its local time and the latest local time before; Unix milliseconds, the local ones as if of UTC. */
  #seen = Number.NaN;
  #local = Number.NaN;
  #latest = Number.NEGATIVE_INFINITY;
  #until = Number.NEGATIVE_INFINITY;

  /** `length` in milliseconds. Throws where crontab or zone cannot be read. */
  constructor(crontab: string, length: number, timezone: string) {
    this.#cron = parseCron(crontab);
    this.#length = length;
    this.#zone = new Intl.DateTimeFormat("en-US", { timeZone: timezone, timeZoneName: "longOffset" });
  }

  /** Cheap while time goes on by minutes; a leap costs as much as the minutes of a window. */
  open(now: number): boolean {
    const minute = Math.floor(now / MINUTE) * MINUTE;
    const begin = minute - Math.ceil(this.#length / MINUTE) * MINUTE - REPEATED;
    // two looks at the clock may differ by a little
    if (!(this.#seen >= begin && this.#seen <= minute + MINUTE)) {
      this.#until = Number.NEGATIVE_INFINITY;
      this.#latest = Number.NEGATIVE_INFINITY;
      this.#local = Number.NaN;
      this.#seen = begin;
    }
    while (this.#seen < minute) {
      this.#seen += MINUTE;
      if (this.#opens(this.#seen)) this.#until = this.#seen + this.#length;
    }
    return now < this.#until;
  }

  #opens(minute: number): boolean {
    const local = minute + this.#offsetAt(minute);
    const before = this.#local;
    this.#local = local;
    const repeated = local <= this.#latest && this.#latest - local < REPEATED && !this.#cron.everyHour;
    this.#latest = Math.max(this.#latest, local);
    if (repeated) return false;
    const skipped = local - before - MINUTE;
    for (let missed = local - (skipped > 0 && skipped < REPEATED ? skipped : 0); missed <= local; missed += MINUTE) {
      if (this.#fits(missed)) return true;
    }
    return false;
  }

  #fits(local: number): boolean {
    const date = new Date(local);
    return this.#cron.matches(
      date.getUTCMinutes(),
      date.getUTCHours(),
      date.getUTCDate(),
      date.getUTCMonth() + 1,
      date.getUTCDay(),
    );
  }

  /** Milliseconds east of Greenwich, in whole minutes. */
  #offsetAt(time: number): number {
    const quarter = Math.floor(time / QUARTER);
    if (quarter !== this.#quarter) {
      this.#quarter = quarter;
      const name = this.#zone.formatToParts(quarter * QUARTER).find(({ type }) => type === "timeZoneName")?.value ?? "";
      const [, sign, hours, minutes] = /([+-])(\d\d):(\d\d)/.exec(name) ?? ["", "+", "0", "0"];
      this.#offset = (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * MINUTE;
    }
    return this.#offset;
  }
}
