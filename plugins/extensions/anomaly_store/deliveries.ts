// What goes on record of alerts that exporters sent: the first of each state of an episode or incident, and only so many a minute.
import { type Anomaly, type AuditRecord, type Delivery, spokenDuration } from "vedette";

/** Records a minute; of what an exporter does with more than that, its own metrics tell. */
const MOST_A_MINUTE = 120;
const MINUTE = 60_000;
/** What was recorded last of an alert is remembered for so many of them; the oldest is then recorded again. */
const MOST_REMEMBERED = 20_000;

export class Deliveries {
  /** What was recorded last, by exporter and alert. */
  readonly #last = new Map<string, string>();
  #since = Number.NEGATIVE_INFINITY;
  #recorded = 0;
  #left = 0;

  /** What is to be kept of it; and how many there was no room for in the minute before, once it is over. */
  recordsOf(delivery: Delivery): { records: AuditRecord[]; left: number } {
    const left = this.#begin(delivery.time);
    const records: AuditRecord[] = [];
    for (const change of delivery.changes) {
      if (!change.episode && !change.incident) continue;
      const state = stateOf(change);
      const key = `${delivery.exporter} ${change.id}`;
      const news = `${state} ${delivery.outcome}`;
      if (this.#last.get(key) === news) continue;
      if (this.#recorded >= MOST_A_MINUTE) {
        this.#left++;
        continue;
      }
      this.#recorded++;
      this.#remember(key, news);
      const { time: at, exporter: by, outcome } = delivery;
      records.push({ at, by, about: change.id, action: "send", outcome, detail: detailOf(state, delivery) });
    }
    return { records, left };
  }

  #begin(time: number): number {
    if (Math.abs(time - this.#since) < MINUTE) return 0;
    const left = this.#left;
    this.#since = time;
    this.#recorded = 0;
    this.#left = 0;
    return left;
  }

  #remember(key: string, news: string): void {
    this.#last.delete(key);
    this.#last.set(key, news);
    if (this.#last.size <= MOST_REMEMBERED) return;
    for (const oldest of this.#last.keys()) {
      this.#last.delete(oldest);
      break;
    }
  }
}

const stateOf = ({ state, severity }: Anomaly): string => (state === "resolved" ? state : severity);

/** "critical: taken at the 2nd try, 41 ms", "resolved: given up after 3 tries, 2 min: permanent error: 403 ..." */
function detailOf(state: string, { outcome, attempts, seconds, reason }: Delivery): string {
  const took = seconds < 1 ? `${Math.round(seconds * 1000)} ms` : spokenDuration(seconds * 1000);
  if (outcome === "done") return `${state}: taken at the ${ordinal(attempts)} try, ${took}`;
  if (attempts === 0) return `${state}: not tried: ${reason}`;
  return `${state}: given up after ${attempts === 1 ? "1 try" : `${attempts} tries`}, ${took}: ${reason}`;
}

function ordinal(n: number): string {
  const teen = n % 100 > 10 && n % 100 < 14;
  return `${n}${(!teen && ["th", "st", "nd", "rd"][n % 10]) || "th"}`;
}
