// Which versions each service had: so many services, so many versions of each.
import { type Logger, z } from "vedette";

const MOST_SERVICES = 10_000;
const MOST_VERSIONS = 20;

/** By service: since when it is known, in Unix milliseconds, and its versions, the latest last. */
export const savedVersions = z.array(z.tuple([z.string(), z.number(), z.array(z.string())]));

export class Versions {
  readonly #learning: number;
  readonly #log: Logger;
  /** The one whose version changed longest ago first. */
  readonly #services = new Map<string, { readonly since: number; readonly versions: string[] }>();
  #full = false;

  constructor(learning: number, log: Logger) {
    this.#learning = learning;
    this.#log = log;
  }

  /** Takes the version in. What the latest was before, when this one is news; else undefined. */
  isNew(service: string, version: string, now: number): string | undefined {
    const known = this.#services.get(service);
    if (!known) {
      this.#makeRoom();
      this.#services.set(service, { since: now, versions: [version] });
      return undefined;
    }
    const { since, versions } = known;
    if (versions.includes(version)) return undefined;
    const before = versions.at(-1);
    versions.push(version);
    if (versions.length > MOST_VERSIONS) versions.shift();
    this.#services.delete(service);
    this.#services.set(service, known);
    return now - since < this.#learning ? undefined : before;
  }

  #makeRoom(): void {
    if (this.#services.size < MOST_SERVICES) return;
    this.#services.delete(this.#services.keys().next().value as string);
    if (!this.#full) this.#log.warn("too many services: versions of some are forgotten", { most: MOST_SERVICES });
    this.#full = true;
  }

  saved(): z.output<typeof savedVersions> {
    return Array.from(this.#services, ([service, { since, versions }]) => [service, since, versions]);
  }

  restore(saved: z.output<typeof savedVersions>): void {
    for (const [service, since, versions] of saved.slice(-MOST_SERVICES)) {
      this.#services.set(service, { since, versions: versions.slice(-MOST_VERSIONS) });
    }
  }
}
