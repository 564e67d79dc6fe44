// The services and what each of them sends: a shape for every metric, operation and kind of record, and one of all together.
import type { Labels, Templates } from "vedette";
import type { Content } from "./fields.ts";
import { LEVELS, RANGES } from "./level.ts";
import { SET_BACK } from "./sampler.ts";
import { Shape, type Suspect } from "./shape.ts";

/** Milliseconds of event time in which a metric of a service is there or not. */
export const WINDOW = 120_000;
/** Decades that a row may count for, rows in a row that end a doubt, and rows on which a shape is known; of a service's metrics a row is a window. */
const OF_ROWS = { weight: 0.5, calm: 10, enough: 100 };
const OF_WINDOWS = { weight: 2, calm: 2, enough: 30 };
const LONGEST_NAME = 200;
/** Templates of one kind that are remembered. */
const MOST_TEMPLATES = 100;

/** A field that no attribute can be called: the severity of records that name a level. */
export const SEVERITY = "\0severity";
const SENT = RANGES.map((range): Content => ({ fields: new Map([[SEVERITY, range || "unset"]]), wholeBody: true }));

export interface Rules {
  /** Milliseconds until what comes is new. */
  readonly learning: number;
  /** Whether that is told. */
  readonly tellsNew: boolean;
}

/**
 * One metric, operation or kind of record of a service; or the records that name one level; or the service itself, whose rows are windows of
 * time and whose fields are metrics, or are its records.
 */
export class Kind {
  readonly service: Service;
  /** "GET /cart", and the span's kind; "ERROR", and of records with a template what they are known by. */
  readonly name: string;
  readonly detail: string;
  /** The first template of such records, as it was when one was looked at last. */
  template: string;
  readonly shape: Shape;
  /** Ids of templates that are of this kind. */
  readonly templates: string[] = [];
  rows = 0;
  /** Unix milliseconds of event time when it began. */
  began = Number.NaN;
  /** Of the sampler; -1 where its rows are those of other kinds. */
  slot = -1;
  /** Series, or templates of series, that are known to be of it; a kind without any may be forgotten. */
  series = 0;
  /** The window of its service in which it was seen last. */
  window = Number.NaN;
  readonly #enough: number;

  constructor(service: Service, name: string, detail: string, template = "", { weight, calm, enough } = OF_ROWS) {
    this.service = service;
    this.name = name;
    this.detail = detail;
    this.template = template;
    this.shape = new Shape(weight, calm);
    this.#enough = enough;
  }

  get isService(): boolean {
    return this.service.all === this;
  }

  /** The kind of records that this is, by what they are of in their service. */
  get key(): string {
    return keyOf(this.name, this.detail || undefined, this.template !== "");
  }

  /** Templates grow more general as records come. */
  rename(templates: Templates, template: number): void {
    if (templates.id(template) === this.templates[0]) this.template = shownTemplate(templates.text(template));
  }

  /** Learns one row of event time `time`. */
  observe(row: Content, time: number, rules: Rules, suspect: Suspect): void {
    if (!(time >= this.began - SET_BACK)) this.began = time;
    this.rows++;
    this.shape.observe(row, this.settled(time, rules), rules.tellsNew, suspect);
  }

  /** Of a service: learns what one of its records has of what its own kind, which is known, usually has. */
  observeBeside(kind: Kind, row: Content, suspect: Suspect): void {
    this.rows++;
    this.shape.observeBeside(kind.shape, row, this.rows >= this.#enough, suspect);
  }

  /** Whether what it has not shown yet would be new. */
  settled(time: number, { learning }: Rules): boolean {
    return this.rows >= this.#enough && time - this.began >= learning;
  }
}

/** Never empty: what has a template is told by that from what has none. */
export const shownTemplate = (text: string): string => text.slice(0, LONGEST_NAME) || "<*>";

/** Of a kind in its service, by its name and detail. */
export const keyOf = (name: string, detail: string | undefined, isTemplate: boolean): string =>
  JSON.stringify(isTemplate ? [detail] : [name, detail ?? null]);

export class Service {
  /** Attributes that name it, by key. */
  readonly resource: Labels["resource"];
  readonly kinds = new Map<string, Kind>();
  /** Kinds by the ids of their templates. */
  readonly templates = new Map<string, Kind>();
  /** Records by the level that they name, of LEVELS. */
  readonly levels: Kind[] = [];
  readonly all: Kind;
  /** The window that is running, and the metrics seen in it, with what they are. */
  window = Number.NaN;
  readonly seen = new Map<string, string>();

  constructor(resource: Labels["resource"], ofMetrics: boolean) {
    this.resource = resource;
    this.all = new Kind(this, "", "", "", ofMetrics ? OF_WINDOWS : OF_ROWS);
  }

  /** Empty when it has none. */
  get name(): string {
    const { "service.name": name, "service.namespace": namespace } = this.resource;
    if (name === undefined) return "";
    return namespace === undefined ? String(name) : `${namespace}/${name}`;
  }

  /** " of checkout". */
  get of(): string {
    return this.name === "" ? "" : ` of ${this.name}`;
  }

  /** How a sentence about all of it begins. */
  get whole(): string {
    return this.name === "" ? "What is sent" : `What ${this.name} sends`;
  }

  /** Of the service's own what it is known by. */
  get key(): string {
    return serviceKey(this.resource);
  }

  /** A record that names a level was sent with a severity. */
  observeSeverity(level: number, range: number, time: number, rules: Rules, suspect: (kind: Kind) => Suspect): void {
    this.levels[level] ??= new Kind(this, "", LEVELS[level].word);
    const kind = this.levels[level];
    kind.observe(SENT[range], time, rules, suspect(kind));
  }

  /** Remembers which kind a template is of. */
  join(template: string, kind: Kind): void {
    if (kind.templates.length >= MOST_TEMPLATES || this.templates.has(template)) return;
    kind.templates.push(template);
    this.templates.set(template, kind);
  }

  forget(kind: Kind): void {
    this.kinds.delete(kind.key);
    for (const id of kind.templates) this.templates.delete(id);
  }
}

export const serviceKey = ({ "service.namespace": namespace, "service.name": name }: Labels["resource"]): string =>
  JSON.stringify([namespace, name].map((part) => (part === undefined ? null : String(part))));
