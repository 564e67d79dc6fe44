// How grave each anomaly is, and what is open: what lasts is raised when its time has come, though nothing new is heard of it.
import {
  type Anomaly,
  anomalyShape,
  isGraver,
  parseCondition,
  type Severity,
  severityShape,
  spokenDuration,
  z,
} from "vedette";
import { Heard, savedHeard } from "./heard.ts";
import type { Options } from "./index.ts";

/** Milliseconds from one look at all that is open to the next. */
const LOOK = 10_000;

interface Open {
  /** By the agent's clock, in Unix milliseconds. */
  readonly since: number;
  readonly severity: Severity;
  /** Its latest change. */
  readonly last: Anomaly;
}

interface Judgement {
  readonly severity: Severity;
  /** What says so, for a sentence. */
  readonly by: string;
}

const open = z.object({ since: z.number(), severity: severityShape, last: anomalyShape });

/** The one that changed longest ago first. */
export const savedShape = z.object({ looked: z.number(), open: z.array(open), heard: savedHeard });

/** Whether it is followed by others of its id until it is resolved. */
const lasts = ({ episode, untilResolved }: Anomaly) => episode !== undefined || untilResolved === true;

const raised = (severity: Severity): Severity => (severity === "info" ? "warning" : "critical");

const graver = (one: Severity, other: Severity) => (isGraver(other, one) ? other : one);

export class Judge {
  readonly heard: Heard;
  readonly #options: Options;
  readonly #rules: readonly { readonly says: Judgement; holds(anomaly: Anomaly): boolean }[];
  /** By id, in the order in which they changed. */
  #open = new Map<string, Open>();
  #looked = 0;
  #told: Anomaly[] = [];

  constructor(options: Options) {
    this.#options = options;
    this.heard = new Heard(options.max_open);
    this.#rules = options.rules.map(({ condition, severity }) => ({
      holds: parseCondition(condition).holds,
      says: { severity, by: `the rule ${condition} holds` },
    }));
  }

  get due(): boolean {
    return this.#told.length > 0;
  }

  told(): Anomaly[] {
    const told = this.#told;
    this.#told = [];
    return told;
  }

  take(anomaly: Anomaly, now: number): void {
    const { id, state, episode } = anomaly;
    const before = this.#open.get(id);
    this.#open.delete(id);
    if (state === "resolved" && before) {
      this.#told.push({ ...anomaly, severity: before.severity });
      return;
    }
    const since = before?.since ?? now - (episode ? episode.lastSeen - episode.start : 0);
    const judged = this.#judge(anomaly, this.#lasted(anomaly, since, now)).severity;
    const severity = before ? graver(before.severity, judged) : judged;
    const last = { ...anomaly, severity };
    this.#told.push(last);
    if (state === "resolved" || !lasts(anomaly)) return;
    if (this.#open.size >= this.#options.max_open) this.#open.delete(this.#open.keys().next().value as string);
    // rules are asked again of what came
    this.#open.set(id, { since, severity, last: anomaly });
  }

  tick(now: number): void {
    const look = Math.floor(now / LOOK);
    if (look === this.#looked) return;
    this.#looked = look;
    for (const [id, { since, severity, last }] of this.#open) {
      if (severity === "critical") continue;
      const judged = this.#judge(last, this.#lasted(last, since, now));
      if (!isGraver(judged.severity, severity)) continue;
      this.#open.set(id, { since, severity: judged.severity, last });
      const reason = `${last.reason.replace(/[^.!?]$/, "$&.")} Raised to ${judged.severity}: ${judged.by}.`;
      // gauges are of rows
      this.#told.push({
        ...last,
        state: "ongoing",
        severity: judged.severity,
        time: now,
        reason,
        companions: false,
      });
    }
  }

  /** Milliseconds from when it was told first to when something was heard of it last. */
  #lasted(anomaly: Anomaly, since: number, now: number): number {
    const { episode } = anomaly;
    if (!episode) return now - since;
    return Math.max(episode.lastSeen - episode.start, this.heard.of(anomaly, now) - since);
  }

  save(): z.input<typeof savedShape> {
    return { looked: this.#looked, open: [...this.#open.values()], heard: this.heard.saved() };
  }

  load({ looked, open, heard }: z.output<typeof savedShape>): void {
    this.#looked = looked;
    this.heard.restore(heard);
    this.#open = new Map(open.slice(-this.#options.max_open).map((each) => [each.last.id, each]));
  }

  /** Of an anomaly that has lasted for so many milliseconds. */
  #judge(anomaly: Anomaly, lasted: number): Judgement {
    const { episode } = anomaly;
    const asked = episode ? { ...anomaly, episode: { ...episode, lastSeen: episode.start + lasted } } : anomaly;
    for (const { holds, says } of this.#rules) if (holds(asked)) return says;
    const { warning, critical, raise_after, raise_services } = this.#options;
    const score = episode?.peak ?? anomaly.score;
    let severity: Severity = score >= critical ? "critical" : score >= warning ? "warning" : "info";
    const by: string[] = [];
    if (raise_services > 0 && (anomaly.incident?.services.length ?? 0) >= raise_services) {
      severity = raised(severity);
      by.push(`${anomaly.incident!.services.length} services are in it`);
    }
    if (raise_after > 0 && lasted >= raise_after) {
      severity = raised(severity);
      by.push(`it has lasted for ${spokenDuration(lasted)}`);
    }
    return { severity, by: by.join(", and ") };
  }
}
