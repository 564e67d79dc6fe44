// Which kind each row is of: kinds are found by series and by template, made as they come, and make room when they are gone.
import {
  type Batch,
  type Detection,
  type Host,
  type Labels,
  type Mined,
  type Numbering,
  StatementColumn,
} from "vedette";
import type { LogRecordReader } from "./record.ts";
import { Sampler } from "./sampler.ts";
import { Kind, keyOf, Service, serviceKey, shownTemplate } from "./services.ts";

const LONGEST_NAME = 200;
/** Of all services together. */
const MOST_KINDS = 20_000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

export class Watched {
  readonly services = new Map<string, Service>();
  /** Kinds of all of them. */
  known = 0;
  readonly sampler = new Sampler();
  /** By slot of the sampler. */
  readonly #bySlot: (Kind | undefined)[] = [];
  /** Slots of kinds by id of a series; -1: not watched. */
  readonly #slots: (number | undefined)[] = [];
  /** Of records with a template: the slot + 2 by statement, and the statements that are known by id of a series. */
  readonly #slotOf = new StatementColumn();
  readonly #statements: (number[] | undefined)[] = [];
  #numbering: Numbering | undefined;
  #full = false;
  #swept = Number.NEGATIVE_INFINITY;
  readonly #most: number;
  readonly #host: Host;
  readonly #detection: Detection;
  readonly #reader: LogRecordReader;
  readonly #onGone: (kind: Kind) => void;

  constructor(most: number, host: Host, detection: Detection, reader: LogRecordReader, onGone: (kind: Kind) => void) {
    this.#most = Math.min(most, MOST_KINDS);
    this.#host = host;
    this.#detection = detection;
    this.#reader = reader;
    this.#onGone = onGone;
  }

  /** Services from before a restart. */
  adopt(services: readonly Service[]): void {
    for (const service of services) {
      this.services.set(service.key, service);
      for (const kind of service.kinds.values()) this.#bySlot[kind.slot] = kind;
      this.known += service.kinds.size;
    }
  }

  /** To be called before a batch. */
  begin(mined: Mined | undefined): void {
    if (!mined) return;
    if (mined.numbering !== this.#numbering) this.#unbind();
    this.#numbering = mined.numbering;
    this.#slotOf.begin(mined);
  }

  /** The slot of the kind of a row; -1: not watched. `id`: of its series; `statement`: its number, 0 for none. */
  slotOf(batch: Batch, row: number, id: number, statement: number): number {
    if (statement > 0) {
      const known = this.#slotOf.values[statement];
      return known > 0 ? known - 2 : this.#decide(batch, row, id, statement);
    }
    return this.#slots[id] ?? this.#decide(batch, row, id, 0);
  }

  kindAt(slot: number): Kind {
    return this.#bySlot[slot]!;
  }

  /** The id is another series' from now on. */
  forget(id: number): void {
    this.#release(this.#slots[id]);
    this.#slots[id] = undefined;
    const own = this.#statements[id];
    this.#statements[id] = undefined;
    for (const statement of own ?? []) this.#release(this.#take(statement));
  }

  /** The slot of a statement, of which it is not known any more. */
  #take(statement: number): number {
    const slot = this.#slotOf.values[statement] - 2;
    this.#slotOf.values[statement] = 0;
    return slot;
  }

  #decide(batch: Batch, row: number, id: number, statement: number): number {
    const kind = this.#kindFor(batch, row, statement > 0 ? batch.mined!.template[row] : 0);
    if (kind) kind.series++;
    const slot = kind?.slot ?? -1;
    if (statement === 0) this.#slots[id] = slot;
    else {
      this.#statements[id] ??= [];
      this.#statements[id].push(statement);
      this.#slotOf.values[statement] = slot + 2;
    }
    return slot;
  }

  #kindFor(batch: Batch, row: number, template: number): Kind | null {
    const labels = batch.labels(row);
    // a histogram is several series, of which its count is always there
    if (batch.signal === "metrics" && labels.statistic !== "" && labels.statistic !== "rate") return null;
    if (!this.#detection.allows(labels)) return null;
    const service = this.services.get(serviceKey(labels.resource));
    const id = template > 0 ? batch.mined!.templates.id(template) : "";
    return service?.templates.get(id) ?? this.#kindOf(batch, row, service, labels, id);
  }

  /**
   * By what it is of: an operation, a severity, a template. Fields of a body are part of its template, so that a record that lacks one has another
   * template; what its message says is the same.
   */
  #kindOf(batch: Batch, row: number, service: Service | undefined, labels: Labels, id: string): Kind | null {
    const name = labels.name.slice(0, LONGEST_NAME);
    if (id === "")
      return service?.kinds.get(keyOf(name, labels.kind, false)) ?? this.#add(batch, labels, name, labels.kind ?? "");
    const detail = this.#reader.messageOf(batch as Batch<"logs">, row, batch.mined!) ?? id;
    const kind = service?.kinds.get(keyOf(name, detail, true)) ?? this.#add(batch, labels, name, detail);
    kind?.service.join(id, kind);
    return kind;
  }

  #add({ receivedAt, signal }: Batch, labels: Labels, name: string, detail: string): Kind | null {
    if (this.known >= this.#most) this.#sweep(receivedAt);
    if (this.known >= this.#most) {
      if (!this.#full)
        this.#host.log.warn("too many metrics, operations or kinds of record: new ones are not watched; narrow match");
      this.#full = true;
      return null;
    }
    const key = serviceKey(labels.resource);
    const service = this.services.get(key) ?? new Service(named(labels), signal === "metrics");
    this.services.set(key, service);
    const template = labels.template === undefined ? "" : shownTemplate(labels.template);
    const kind = new Kind(service, name, detail, template);
    kind.slot = this.sampler.add();
    this.#bySlot[kind.slot] = kind;
    service.kinds.set(kind.key, kind);
    this.known++;
    return kind;
  }

  /** What no series is known to be of, and was not looked at for a day, makes room; not more often than once an hour. */
  #sweep(now: number): void {
    if (now - this.#swept < HOUR) return;
    this.#swept = now;
    this.#unbind();
    for (const service of this.services.values()) {
      for (const kind of service.kinds.values())
        if (kind.series === 0 && !(now - this.sampler.of(kind.slot).last < DAY)) this.#remove(kind);
    }
  }

  /** Forgets which kind each statement is of. */
  #unbind(): void {
    for (const own of this.#statements) {
      for (const statement of own ?? []) {
        const slot = this.#take(statement);
        if (slot >= 0) this.kindAt(slot).series--;
      }
    }
    this.#statements.length = 0;
  }

  #release(slot: number | undefined): void {
    if (slot === undefined || slot < 0) return;
    const kind = this.kindAt(slot);
    if (--kind.series === 0) this.#remove(kind);
  }

  #remove(kind: Kind): void {
    const { service } = kind;
    this.#onGone(kind);
    service.forget(kind);
    this.sampler.remove(kind.slot);
    this.#bySlot[kind.slot] = undefined;
    this.known--;
    if (service.kinds.size > 0) return;
    this.#onGone(service.all);
    for (const each of service.levels) if (each) this.#onGone(each);
    this.services.delete(service.key);
  }
}

function named({ resource }: Labels): Labels["resource"] {
  const keys = ["service.namespace", "service.name"].filter((key) => resource[key] !== undefined);
  return Object.fromEntries(keys.map((key) => [key, String(resource[key])]));
}
