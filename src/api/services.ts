// Services as a finder remembers them: by name, each with the number of its series, and as many as there is room for.
import type { Logger } from "./component.ts";
import type { Labels } from "./signals.ts";

/** "payments/checkout": the service a row belongs to; "" when it names none. */
export function serviceName({ resource }: Labels): string {
  const { "service.namespace": namespace, "service.name": name } = resource;
  if (name === undefined) return "";
  return namespace === undefined ? String(name) : `${namespace}/${name}`;
}

/** The labels without what is of one row alone: what is told of its service and name. The text of the row, as an example, stays. */
export function ofService({ resource, ...labels }: Labels): Labels {
  const keys = ["service.namespace", "service.name"].filter((key) => resource[key] !== undefined);
  const own = Object.fromEntries(keys.map((key) => [key, resource[key]]));
  return { ...labels, resource: own, scope: { name: "", version: "" }, attributes: {}, traceId: "", spanId: "" };
}

/** What is remembered of a service; `series` is how many series of the agent are of it. */
export interface Remembered {
  series: number;
}

export class Services<S extends Remembered> {
  readonly byKey: Map<string, S>;
  readonly #most: number;
  readonly #log: Logger;
  readonly #leave: (service: S) => void;
  #full = false;

  /** At most so many. One that the agent has no series of makes room for a new one: `leave` is told. */
  constructor(byKey: Map<string, S>, most: number, log: Logger, leave: (service: S) => void) {
    this.byKey = byKey;
    this.#most = most;
    this.#log = log;
    this.#leave = leave;
  }

  /** The service of a new series, which counts as one of it; `make` makes one that was not known. Undefined, with a warning once, where there is no room. */
  join({ resource }: Labels, make: (key: string) => S): S | undefined {
    const key = JSON.stringify([resource["service.namespace"], resource["service.name"]].map(String));
    let service = this.byKey.get(key);
    if (!service) {
      if (this.byKey.size >= this.#most) this.#makeRoom();
      if (this.byKey.size >= this.#most) {
        if (!this.#full) {
          this.#log.warn("too many services: new ones are not watched; narrow match", { most: this.#most });
        }
        this.#full = true;
        return undefined;
      }
      service = make(key);
      this.byKey.set(key, service);
    }
    service.series++;
    return service;
  }

  #makeRoom(): void {
    for (const [key, service] of this.byKey) {
      if (service.series > 0) continue;
      this.byKey.delete(key);
      this.#leave(service);
    }
  }
}
