// What was deployed of late: no fault of its own, but worth saying of an incident that begins then.
import { type Anomaly, z } from "vedette";
import { clock } from "./words.ts";

const MOST_PLACES = 1000;
const MOST_OF_A_PLACE = 5;
/** Milliseconds by which the news of a deployment may come after what it did. */
const LATE = 60_000;

/** Unix milliseconds, and what is said of it. */
const deployment = z.object({ at: z.number(), reason: z.string() });

/** By place, the one heard of longest ago first. */
export const savedDeployments = z.array(z.tuple([z.string(), z.array(deployment)]));

export const isDeployment = ({ type }: Anomaly): boolean => type === "deployment";

export class Deployments {
  readonly #window: number;
  readonly #byPlace = new Map<string, readonly z.output<typeof deployment>[]>();

  /** Milliseconds that a deployment explains what begins after it. */
  constructor(window: number) {
    this.#window = window;
  }

  see(place: string, at: number, reason: string): void {
    const known = this.#byPlace.get(place) ?? [];
    this.#byPlace.delete(place);
    if (this.#byPlace.size >= MOST_PLACES) this.#byPlace.delete(this.#byPlace.keys().next().value as string);
    this.#byPlace.set(place, [...known, { at, reason }].slice(-MOST_OF_A_PLACE));
  }

  /** The sentence about the last one at the place after which what is odd there began, at `first`; else "". */
  before(place: string, first: number): string {
    const last = this.#byPlace.get(place)?.findLast(({ at }) => at >= first - this.#window && at <= first + LATE);
    return last ? `${last.reason.replace(/\.$/, "")} (${clock(last.at)}).` : "";
  }

  saved(): z.output<typeof savedDeployments> {
    return Array.from(this.#byPlace, ([place, known]) => [place, [...known]]);
  }

  restore(saved: z.output<typeof savedDeployments>): void {
    for (const [place, known] of saved) for (const { at, reason } of known) this.see(place, at, reason);
  }
}
