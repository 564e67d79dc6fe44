// Inhibition as Alertmanager has it: while something graver is open, what follows from it is held back.
import { type Anomaly, type Condition, condition, parseCondition, serviceName, z } from "vedette";

export const ruleOptions = z.strictObject({
  name: z.string().min(1).optional().describe("What it is called in sentences and metrics; its number when absent."),
  source: condition().describe("Anomalies that hold back others while they are open."),
  target: condition().describe("Anomalies that are held back."),
  equal: z
    .array(z.string().min(1))
    .default([])
    .describe(
      "What both must have in common: `service`, `name`, `type`, `detector`, `signal`, or the key of an attribute of the anomaly or its resource. What both lack is common.",
    ),
});

/** Anomalies that hold back others. */
interface Source {
  /** What it has of `equal`. */
  readonly key: string;
  /** Whether it would be held back as well: those do not hold back each other. */
  readonly both: boolean;
  /** Unix milliseconds. */
  readonly until: number;
}

/** What is kept of a rule: its text, and its sources by id. */
export const savedRule = z.tuple([
  z.string(),
  z.array(z.tuple([z.string(), z.object({ key: z.string(), both: z.boolean(), until: z.number() })])),
]);

const NAMED: Readonly<Record<string, (anomaly: Anomaly) => string>> = {
  service: ({ labels }) => serviceName(labels),
  name: ({ labels }) => labels.name,
  type: ({ type }) => type,
  detector: ({ detector }) => detector,
  signal: ({ signal }) => signal,
};

export class InhibitRule {
  readonly name: string;
  readonly #text: string;
  readonly #source: Condition;
  readonly #target: Condition;
  readonly #equal: readonly string[];
  readonly #most: number;
  /** By id, the one heard of longest ago first; and by what they have of `equal`. */
  readonly #sources = new Map<string, Source>();
  readonly #byKey = new Map<string, Map<string, Source>>();

  constructor(options: z.output<typeof ruleOptions>, number: number, most: number) {
    this.name = options.name ?? `${number}`;
    this.#text = JSON.stringify([options.source, options.target, options.equal]);
    this.#source = parseCondition(options.source);
    this.#target = parseCondition(options.target);
    this.#equal = options.equal;
    this.#most = most;
  }

  /** Takes a change in; it is open until then, unless another change comes. Unix milliseconds. */
  see(anomaly: Anomaly, until: number): void {
    this.#delete(anomaly.id);
    if (anomaly.state === "resolved" || !this.#source.holds(anomaly)) return;
    this.#set(anomaly.id, { key: this.#keyOf(anomaly), both: this.#target.holds(anomaly), until });
  }

  holds(anomaly: Anomaly, now: number): boolean {
    if (this.#sources.size === 0 || !this.#target.holds(anomaly)) return false;
    const sources = this.#byKey.get(this.#keyOf(anomaly));
    if (!sources) return false;
    const both = this.#source.holds(anomaly);
    for (const [id, source] of sources) {
      if (now >= source.until) this.#delete(id);
      else if (id !== anomaly.id && !(both && source.both)) return true;
    }
    return false;
  }

  #keyOf(anomaly: Anomaly): string {
    const { attributes, resource } = anomaly.labels;
    const values = this.#equal.map((key) =>
      Object.hasOwn(NAMED, key) ? NAMED[key](anomaly) : String(attributes[key] ?? resource[key] ?? ""),
    );
    return JSON.stringify(values);
  }

  #delete(id: string): void {
    const source = this.#sources.get(id);
    if (!source) return;
    this.#sources.delete(id);
    const sources = this.#byKey.get(source.key);
    sources?.delete(id);
    if (sources?.size === 0) this.#byKey.delete(source.key);
  }

  #set(id: string, source: Source): void {
    if (this.#sources.size >= this.#most) this.#delete(this.#sources.keys().next().value as string);
    this.#sources.set(id, source);
    const sources = this.#byKey.get(source.key) ?? new Map<string, Source>();
    this.#byKey.set(source.key, sources.set(id, source));
  }

  saved(): z.output<typeof savedRule> {
    return [this.#text, [...this.#sources]];
  }

  /** Takes over what a rule of the same text knew. */
  restore([text, sources]: z.output<typeof savedRule>): void {
    if (text === this.#text) for (const [id, source] of sources) this.#set(id, source);
  }
}
