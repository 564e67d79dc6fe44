// Changes of one service that belong together: collected for a moment, told as one, and over when all of them are.
import type { Detection, Finding, Labels, Telemetry } from "vedette";
import { UNIT } from "./content.ts";
import { called, shown } from "./fields.ts";
import { type Kind, SEVERITY, type Service } from "./services.ts";
import type { Change, Field } from "./shape.ts";

/** Milliseconds from the first change of a service until they are told together. */
const SETTLE = 60_000;
const MOST_CONTRIBUTORS = 10;
/** Changes of one service that are told one by one in the list; the rest is only counted. */
const MOST_CHANGES = 1000;

export type Type = "missing_field" | "new_field" | "type_change" | "unit_change" | "severity_mismatch";
export const TYPES: readonly Type[] = ["missing_field", "severity_mismatch", "type_change", "unit_change", "new_field"];

interface Suspected {
  readonly kind: Kind;
  readonly field: string;
  readonly change: Change;
  rarity: number;
}

/** What one service has changed and was told, or is about to be. */
export interface Episode {
  readonly service: Service;
  /** Unix milliseconds of the first suspicion; when it was told, NaN until then. */
  readonly began: number;
  since: number;
  /** The rarity that was not past the line. */
  tried: number;
  readonly changes: Map<string, Suspected>;
  /** The finding as it was told, for its end. */
  told: (Pick<Finding, "type" | "labels" | "about" | "contributors"> & { readonly reason: string }) | undefined;
}

export interface Options {
  readonly types: readonly Type[];
  /** Milliseconds. */
  readonly adopt_after: number;
}

/** Below this no change is noted. */
const NOTABLE = 3;

const keyOf = ({ kind, field, change }: Pick<Suspected, "kind" | "field" | "change">) =>
  JSON.stringify([kind.isService, kind.name, kind.detail, field, change]);

export function typeOf({ field, change }: Pick<Suspected, "field" | "change">): Type {
  if (change === "missing") return "missing_field";
  if (change === "new") return "new_field";
  return field === UNIT ? "unit_change" : field === SEVERITY ? "severity_mismatch" : "type_change";
}

export class Drifts {
  readonly signal: Telemetry;
  readonly episodes = new Map<Service, Episode>();
  readonly #options: Options;
  readonly #detection: Detection;

  constructor(signal: Telemetry, options: Options, detection: Detection) {
    this.signal = signal;
    this.#options = options;
    this.#detection = detection;
  }

  /** Of something that the service sends, or of all of it. */
  labelsOf({ resource }: Service, { name, template }: Pick<Kind, "name" | "template">): Labels {
    const nothing = {
      scope: { name: "", version: "" },
      statistic: "",
      unit: "",
      attributes: {},
      traceId: "",
      spanId: "",
    };
    return { resource, name, ...nothing, ...(template !== "" && { template }) };
  }

  /** An episode from before a restart. */
  adopt({ changes, ...episode }: Omit<Episode, "changes"> & { readonly changes: readonly Suspected[] }): void {
    const byKey = new Map(changes.map((each) => [keyOf(each), each]));
    this.episodes.set(episode.service, { ...episode, changes: byKey });
  }

  /** A row has made a change surer. */
  suspect(kind: Kind, { name }: Field, change: Change, rarity: number, time: number): void {
    if (rarity < NOTABLE) return;
    const suspected = { kind, field: name, change, rarity };
    if (!this.#options.types.includes(typeOf(suspected))) return;
    const { service } = kind;
    let episode = this.episodes.get(service);
    if (!episode) {
      episode = { service, began: time, since: Number.NaN, tried: 0, changes: new Map(), told: undefined };
      this.episodes.set(service, episode);
    }
    const key = keyOf(suspected);
    const before = episode.changes.get(key);
    if (before) before.rarity = Math.max(before.rarity, rarity);
    else if (episode.changes.size < MOST_CHANGES) episode.changes.set(key, suspected);
  }

  /** `now` is in Unix milliseconds, as are the times of rows. */
  tick(now: number): void {
    for (const episode of this.episodes.values()) {
      for (const [key, { kind, field, change }] of episode.changes) {
        if (!kind.shape.holds(field, change)) episode.changes.delete(key);
      }
      if (episode.changes.size === 0) {
        this.#end(episode, now, "reverted");
        continue;
      }
      if (!episode.told && now - episode.began >= SETTLE) this.#tell(episode, now);
      if (now - (episode.told ? episode.since : episode.began) >= this.#options.adopt_after) {
        for (const change of episode.changes.values()) this.#adopt(change);
        this.#end(episode, now, "adopted");
      }
    }
  }

  /** Takes a change for normal; of all records of a service, with every kind of them that has it. */
  #adopt({ kind, field, change }: Suspected): void {
    kind.shape.adopt(field, change);
    if (this.signal === "logs" && kind.isService)
      for (const each of this.#having(kind.service, field, change)) each.shape.adopt(field, change);
  }

  /** Kinds of records that show it. */
  #having({ kinds }: Service, field: string, change: Change): Kind[] {
    return [...kinds.values()].filter(({ shape }) => shape.holds(field, change));
  }

  /** What several kinds of records show is told of all together, what one shows of that one. */
  #together(changes: readonly Suspected[]): Suspected[] {
    if (this.signal !== "logs") return [...changes];
    const several = new Set<string>();
    for (const { kind, field, change } of changes) {
      if (!kind.isService) continue;
      const key = `${change} ${field}`;
      const own = changes.some((each) => !each.kind.isService && each.field === field && each.change === change);
      if (!own || this.#having(kind.service, field, change).length > 1) several.add(key);
    }
    return changes.filter(({ kind, field, change }) => {
      const key = `${change} ${field}`;
      return kind.isService ? several.has(key) : !several.has(key);
    });
  }

  #tell(episode: Episode, now: number): void {
    const all = [...episode.changes.values()];
    const changes = this.#together(all).sort(
      (a, b) =>
        TYPES.indexOf(typeOf(a)) - TYPES.indexOf(typeOf(b)) || b.rarity - a.rarity || compare(keyOf(a), keyOf(b)),
    );
    const rarity = all.reduce((most, each) => Math.max(most, each.rarity), 0);
    const { tried } = episode;
    if (rarity <= tried) return;
    episode.tried = rarity;
    const [first] = changes;
    const single = changes.length === 1;
    const type = typeOf(first);
    const contributors = changes.slice(0, MOST_CONTRIBUTORS).map((each) => brief(this.signal, each));
    const labels = this.labelsOf(episode.service, single ? first.kind : episode.service.all);
    const { whole } = episode.service;
    const reason = single
      ? sentence(this.signal, first)
      : `${whole} has changed in ${changes.length} ways: ${some(contributors)}.`;
    const about = single
      ? `${first.kind.template && first.kind.detail}${shown(first.field)} ${first.change}`
      : "several";
    const told = { type, labels, about, contributors, reason };
    if (!this.#detection.find({ ...told, signal: this.signal, time: now, rarity, tried, untilResolved: true })) return;
    episode.told = told;
    episode.since = now;
  }

  #end(episode: Episode, now: number, how: "reverted" | "adopted"): void {
    this.episodes.delete(episode.service);
    const { told, since } = episode;
    if (!told) return;
    const lasting = `${Math.max(1, Math.round((now - since) / 60_000))} min`;
    const { whole } = episode.service;
    const changes = some(told.contributors ?? []);
    const reason =
      how === "adopted"
        ? `${whole} has changed for ${lasting} (${changes}): that is taken for normal from now on.`
        : `${whole} is as before again after ${lasting} (${changes}).`;
    this.#detection.find({ ...told, reason, signal: this.signal, time: now, rarity: 0, state: "resolved", since });
  }

  /** The kind is no longer watched. */
  forget(kind: Kind): void {
    const changes = this.episodes.get(kind.service)?.changes;
    if (changes) for (const [key, change] of changes) if (change.kind === kind) changes.delete(key);
  }
}

const some = (changes: readonly string[]) =>
  changes.slice(0, 3).join("; ") + (changes.length > 3 ? "; and others" : "");

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** "GET /cart spans", "ERROR records", "\"paid by <*>\" records", "http.server.duration". */
function rowsOf(signal: Telemetry, { name, detail, template, isService }: Kind, field: string): string {
  if (signal === "traces") return `${name} spans`;
  if (signal === "metrics") return name;
  if (field === SEVERITY) return `records that say ${detail.toUpperCase()}`;
  if (isService) return "records";
  return template === "" ? `${name} records` : `"${template.replace(/\s+/g, " ")}" records`;
}

/** In a list: "user.id missing from GET /cart spans". */
function brief(signal: Telemetry, { kind, field, change }: Suspected): string {
  if (kind.isService && signal === "metrics")
    return { missing: `${field} missing`, new: `${field} new`, type: `${field} of another kind` }[change];
  const rows = rowsOf(signal, kind, field);
  if (field === UNIT) return `unit of ${rows}`;
  if (field === SEVERITY) return `severity of ${rows}`;
  const name = shown(field);
  return {
    missing: `${name} missing from ${rows}`,
    new: `${name} new in ${rows}`,
    type: `type of ${name} in ${rows}`,
  }[change];
}

/** Rows without a field of which a sentence counts how many the last ones were. */
const MANY = 5;

function sentence(signal: Telemetry, { kind, field, change }: Suspected): string {
  const { service, shape } = kind;
  const { rows = 0, present = 0, type = "", other = "", without = 0 } = shape.fields.get(field) ?? {};
  const share = `${Number(((100 * present) / Math.max(1, rows)).toPrecision(4))} %`;
  if (kind.isService && signal === "metrics") {
    if (change === "new") return `A new metric${service.of} has come: ${field}.`;
    if (change === "type") return `The metric ${field}${service.of} is ${other} now; it used to be ${type}.`;
    return `The metric ${field}${service.of} has been missing for ${2 * without} min; before, it was there ${share} of the time.`;
  }
  const what = `${rowsOf(signal, kind, field)}${service.of}`;
  if (field === UNIT) return `The unit of ${what} is "${other}" now; it used to be "${type}".`;
  if (field === SEVERITY)
    return `The severity of records${service.of} that say ${kind.detail.toUpperCase()} is ${other} now; it used to be ${type}.`;
  const have = signal === "metrics" ? "has" : "have";
  const noun = called(field);
  if (change === "new") return `${what} ${have} a new ${noun.replace(" ", ", ")}, which is ${type}.`;
  if (change === "type") return `The ${noun} of ${what} is ${other} now; it used to be ${type}.`;
  const now = without >= MANY ? `the last ${without} looked at are without it` : "many of late are without it";
  return `The ${noun} is missing from ${what}: ${now}, ${share} before had it.`;
}
