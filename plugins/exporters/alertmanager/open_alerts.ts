// What Alertmanager was told and must hear again: open alerts until they end, ended ones for a while.
import { type Anomaly, packed, unpacked, z } from "vedette";
import { beganAt, endedAt, rfc3339 } from "vedette/http";
import { annotationsOf, type LabelSet, labelsOf, severityOf } from "./alert.ts";
import type { Found } from "./found.ts";
import type { Options } from "./options.ts";

/** As POST /api/v2/alerts takes it. */
export interface PostableAlert {
  readonly labels: LabelSet;
  readonly annotations: LabelSet;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly generatorURL?: string;
}

interface Told {
  /** Of the anomaly that was last told by these labels. */
  readonly id: string;
  readonly labels: LabelSet;
  readonly annotations: LabelSet;
  /** Unix milliseconds. */
  readonly startsAt: number;
  /** When it ended, or will unless it is told again; undefined of an episode that goes on. */
  readonly endsAt: number | undefined;
  readonly heardAt: number;
}

const labelSet = z.record(z.string(), z.string());
const told: z.ZodType<Told> = z.object({
  id: z.string(),
  labels: labelSet,
  annotations: labelSet,
  startsAt: z.number(),
  endsAt: z.number().or(z.undefined()),
  heardAt: z.number(),
});
const remembered = z.object({
  told: z.map(z.string(), told),
  labels: z.map(z.string(), z.object({ labels: labelSet, severity: z.string() })),
});

/** Alerts remembered; the one heard of longest ago goes first, and ends by `resolve_timeout`. */
const MOST = 10_000;
/** What is no episode lasts so long, at most: nobody may ever say that it is over. */
const NO_EPISODE = 5 * 60_000;
/** For how long the end of an alert is told again: an Alertmanager whose clock is behind may not have believed it. */
const RETENTION = 15 * 60_000;
/** An episode of which nothing is heard for so long is told no more. */
const FORGOTTEN = 7 * 86_400_000;
/** The same after a restart, until something is heard of it: whoever knows of the episode may have lost it. */
const UNCONFIRMED = 6 * 3_600_000;

export class OpenAlerts {
  readonly #options: Options;
  /** By labels. */
  readonly #told = new Map<string, Told>();
  /** By id the labels that an alert began with: those of an incident would follow its origin. */
  #labels = new Map<string, { readonly labels: LabelSet; readonly severity: string }>();

  constructor(options: Options) {
    this.#options = options;
  }

  save(): Uint8Array {
    return packed({ told: this.#told, labels: this.#labels });
  }

  /** Goes on at `now` with what `save` gave; throws when it is something else. */
  load(saved: Uint8Array, now: number): void {
    const { told, labels } = unpacked(saved, remembered, "alertmanager");
    const latest = now - FORGOTTEN + UNCONFIRMED;
    for (const [key, each] of told) {
      const lasts = each.endsAt === undefined;
      this.#told.set(key, lasts ? { ...each, heardAt: Math.min(each.heardAt, latest) } : each);
    }
    this.#labels = labels;
  }

  /** Whether it began before this process did: Alertmanager may know it by labels that are not known here. */
  isUnknown({ id, state }: Anomaly): boolean {
    return state !== "open" && !this.#labels.has(id);
  }

  /** Takes over what Alertmanager has of a change that is unknown, at `now`. */
  adopt({ id }: Anomaly, found: Found, now: number): void {
    this.accept([{ ...found, id, endsAt: now + this.#options.resolve_timeout, heardAt: now }]);
  }

  /**
   * What is to be posted of changes, none two of one id. One whose severity is another has other labels: the alert before ends with
   * it. Nothing is remembered until `accept` is called with it.
   */
  of(changes: readonly Anomaly[], now: number): Told[] {
    return changes.flatMap((change) => this.#of(change, now));
  }

  /** Takes in what was posted. */
  accept(posted: readonly Told[]): void {
    for (const told of posted) {
      const key = keyOf(told.labels);
      this.#told.delete(key);
      this.#told.set(key, told);
    }
    for (const { id, labels, endsAt, heardAt } of posted) {
      this.#labels.delete(id);
      if (endsAt !== undefined && endsAt <= heardAt) continue;
      const { severity, ...rest } = labels;
      this.#labels.set(id, { labels: rest, severity });
    }
    trim(this.#told);
    trim(this.#labels);
  }

  /** All that is to be told again at `now`; what need not be any more is forgotten. */
  again(now: number): Told[] {
    for (const [key, { endsAt, heardAt, id, labels }] of this.#told) {
      const over = endsAt === undefined ? now - heardAt > FORGOTTEN : now - Math.max(endsAt, heardAt) > RETENTION;
      if (!over) continue;
      this.#told.delete(key);
      // the same alert may go on with another severity
      if (this.#labels.get(id)?.severity === labels["severity"]) this.#labels.delete(id);
    }
    return [...this.#told.values()];
  }

  /** `now` in Unix milliseconds. */
  postable({ labels, annotations, startsAt, endsAt }: Told, now: number): PostableAlert {
    const { generator_url, resolve_timeout } = this.#options;
    // Alertmanager refuses alerts with another text, such as the Collector's default
    const isUrl = /^https?:/.test(generator_url) && URL.canParse(generator_url);
    return {
      labels,
      annotations,
      startsAt: rfc3339(startsAt),
      endsAt: rfc3339(endsAt ?? now + resolve_timeout),
      ...(isUrl && { generatorURL: generator_url }),
    };
  }

  #of(change: Anomaly, now: number): Told[] {
    const { id, episode } = change;
    const known = this.#labels.get(id);
    const ended = endedAt(change);
    const severity = severityOf(change, this.#options);
    const identity = known?.labels ?? labelsOf(change, this.#options);
    // what ends is what was open
    const labels = { ...identity, severity: ended === undefined ? severity : (known?.severity ?? severity) };
    const before = this.#told.get(keyOf({ ...identity, severity: known?.severity ?? labels.severity }));
    if (ended !== undefined) {
      // the same labels may be another anomaly's by now, which goes on
      if (before && before.id !== id) return [];
      const endsAt = Number.isNaN(ended) ? now : Math.min(ended, now);
      const startsAt = Math.min(before?.startsAt ?? beganAt(change), endsAt);
      return [{ id, labels, annotations: annotationsOf(change), startsAt, endsAt, heardAt: now }];
    }
    const startsAt = Math.min(beganAt(change), now);
    const told: Told = {
      id,
      labels,
      annotations: annotationsOf(change),
      startsAt,
      endsAt: episode ? undefined : now + Math.min(NO_EPISODE, this.#options.resolve_timeout),
      heardAt: now,
    };
    if (!known || known.severity === labels.severity || !before || before.id !== id) return [told];
    return [{ ...before, startsAt: Math.min(before.startsAt, now), endsAt: now, heardAt: now }, told];
  }
}

const keyOf = (labels: LabelSet): string => JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));

function trim(map: Map<string, unknown>): void {
  for (const oldest of map.keys()) {
    if (map.size <= MOST) return;
    map.delete(oldest);
  }
}
