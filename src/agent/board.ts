// How every component fares, as the agent and the components themselves report it.
import type { ComponentStatus, Status } from "../api/index.ts";

/** What is told once a component changes its status. */
export type Heard = (status: ComponentStatus, before: Status | undefined) => void;

/** Longest reason that is kept: some quote what came over the network. */
const LONGEST_REASON = 500;

export type Place = Pick<ComponentStatus, "section" | "id" | "pipeline">;

/** "exporters/otlp_http", "processors/metrics/ewma": where a component stands, unique in a configuration. */
export function placeName({ section, id, pipeline }: Place): string {
  return pipeline === undefined ? `${section}/${id}` : `${section}/${pipeline}/${id}`;
}

export class Board {
  readonly #entries = new Map<string, ComponentStatus>();
  readonly #now: () => number;
  readonly #heard: Heard;

  constructor(now: () => number, heard: Heard = () => {}) {
    this.#now = now;
    this.#heard = heard;
  }

  /** In the order in which they were first reported. */
  list(): readonly ComponentStatus[] {
    return [...this.#entries.values()];
  }

  statusOf(place: Place): Status | undefined {
    return this.#entries.get(placeName(place))?.status;
  }

  report(place: Place, status: Status, reason?: string): void {
    const name = placeName(place);
    const before = this.#entries.get(name);
    // what goes on failing is told again, since when stays
    const since = before?.status === status ? before.since : this.#now();
    const short = reason && reason.length > LONGEST_REASON ? `${reason.slice(0, LONGEST_REASON)}...` : reason;
    if (before?.status === status && before.reason === short) return;
    const { section, id, pipeline } = place;
    const optional = { ...(pipeline !== undefined && { pipeline }), ...(short !== undefined && { reason: short }) };
    const entry: ComponentStatus = { section, id, status, since, ...optional };
    this.#entries.set(name, entry);
    if (before?.status !== status) this.#heard(entry, before?.status);
  }

  /** The component is gone from the configuration. */
  forget(place: Place): void {
    this.#entries.delete(placeName(place));
  }
}
