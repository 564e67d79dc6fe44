// Services that make up ever new span names, as with ids in them: told once, and when it is over.
import type { Detection, Labels, Operation, Service } from "vedette";
import { bounded, endless } from "./words.ts";

/** Services that are followed. */
const MOST_SERVICES = 4000;
const LONGEST_EXAMPLE = 100;
/** Milliseconds after which a service that was told and is heard no more is forgotten. */
const FORGOTTEN = 24 * 3_600_000;
/** Milliseconds that names are given, after a restart, to be too many again. */
const AGAIN = 3_600_000;

/** Unix milliseconds: since when it was told, and when it was last found so. */
interface Told {
  readonly namespace: string;
  readonly name: string;
  readonly since: number;
  seen: number;
}

export class Names {
  readonly told = new Map<string, Told>();
  readonly #services = new Map<string, Service>();
  readonly #detection: Detection;
  /** Unix milliseconds of the first look. */
  #began = Number.NaN;

  constructor(detection: Detection) {
    this.#detection = detection;
  }

  met({ service }: Operation): void {
    const key = keyOf(service);
    if (this.#services.size < MOST_SERVICES || this.#services.has(key)) this.#services.set(key, service);
  }

  /** `now` is Unix milliseconds. */
  look(now: number): void {
    if (Number.isNaN(this.#began)) this.#began = now;
    for (const [key, service] of this.#services) {
      const told = this.told.get(key);
      if (service.overflow !== undefined) {
        if (told) told.seen = now;
        else this.#tell(key, service, service.overflow, now);
      } else if (told && (told.since >= this.#began || now - this.#began > AGAIN)) this.#resolve(key, told, now);
    }
    for (const [key, told] of this.told) if (now - told.seen > FORGOTTEN) this.#resolve(key, told, now);
  }

  #tell(key: string, service: Service, example: string, now: number): void {
    if (!this.#detection.allows(labelsOf(service))) {
      this.#services.delete(key);
      return;
    }
    const { namespace, name, names } = service;
    const shown = example.length > LONGEST_EXAMPLE ? `${example.slice(0, LONGEST_EXAMPLE)}...` : example;
    const reason = endless(nameOf(service), shown, Math.floor(names / 100) * 100);
    const rarity = Number.POSITIVE_INFINITY;
    const found = {
      ...finding(service, now),
      since: now,
      rarity,
      reason,
      observed: names,
      untilResolved: true,
    } as const;
    if (this.#detection.find(found)) {
      this.told.set(key, { namespace, name, since: now, seen: now });
    }
  }

  #resolve(key: string, told: Told, now: number): void {
    this.told.delete(key);
    const { since } = told;
    this.#detection.find({ ...finding(told, now), since, rarity: 0, state: "resolved", reason: bounded(nameOf(told)) });
  }
}

type Named = Pick<Service, "namespace" | "name">;

const keyOf = ({ namespace, name }: Named) => `${namespace}\n${name}`;

function nameOf({ namespace, name }: Named): string {
  if (name === "") return "A service without a name";
  return namespace === "" ? name : `${namespace}/${name}`;
}

const finding = (service: Named, time: number) =>
  ({ type: "high_cardinality", signal: "traces", about: "span names", labels: labelsOf(service), time }) as const;

function labelsOf({ namespace, name }: Named): Labels {
  const resource = { ...(namespace !== "" && { "service.namespace": namespace }), "service.name": name };
  const nothing = { scope: { name: "", version: "" }, statistic: "", attributes: {}, traceId: "", spanId: "" };
  return { ...nothing, resource, name: "", unit: "{names}" };
}
