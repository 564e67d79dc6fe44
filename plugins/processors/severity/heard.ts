// When something was heard of what goes on: an episode or incident may be quiet for long before it counts as over.
import { type Anomaly, serviceName, z } from "vedette";

/** By fingerprint, the one heard of longest ago first: its service, and when, in Unix milliseconds of the agent's clock. */
export const savedHeard = z.array(z.tuple([z.string(), z.string(), z.number()]));

export class Heard {
  readonly #most: number;
  readonly #byMark = new Map<string, { readonly service: string; at: number }>();
  readonly #byService = new Map<string, number>();

  /** So many fingerprints, and services, are remembered. */
  constructor(most: number) {
    this.#most = most;
  }

  /** An anomaly was raised, whatever processors before make of it. */
  found({ fingerprint, state, labels }: Anomaly, now: number): void {
    if (state !== "resolved") this.#set(fingerprint, serviceName(labels), now);
  }

  /** What was raised goes on. */
  lasts(fingerprint: string, now: number): void {
    const known = this.#byMark.get(fingerprint);
    if (!known) return;
    known.at = now;
    if (this.#byService.has(known.service)) this.#byService.set(known.service, now);
  }

  /** Of the anomaly, or of anything in the services of the incident; 0 where nothing was. */
  of({ fingerprint, untilResolved, incident }: Anomaly, now: number): number {
    if (!incident) return untilResolved ? now : (this.#byMark.get(fingerprint)?.at ?? 0);
    const services = incident.services.map((service) => this.#byService.get(service) ?? 0);
    const going = incident.members.filter(({ state }) => state !== "resolved");
    return Math.max(0, ...services, ...going.map((member) => this.of(member, now)));
  }

  #set(fingerprint: string, service: string, at: number): void {
    put(this.#byMark, fingerprint, { service, at }, this.#most);
    if (service !== "") put(this.#byService, service, at, this.#most);
  }

  saved(): z.output<typeof savedHeard> {
    return Array.from(this.#byMark, ([mark, { service, at }]) => [mark, service, at]);
  }

  restore(saved: z.output<typeof savedHeard>): void {
    for (const [mark, service, at] of saved) this.#set(mark, service, Math.max(at, this.#byService.get(service) ?? 0));
  }
}

function put<V>(map: Map<string, V>, key: string, value: V, most: number): void {
  map.delete(key);
  if (map.size >= most) map.delete(map.keys().next().value as string);
  map.set(key, value);
}
