// The agent's own numbers, looked at again and again: what they are now, and how fast they grew of late.
import type { AgentView, Measurement } from "vedette";

/** Rates are those of the last so many milliseconds, or a little more. */
const OVER = 10_000;
const MOST = 30;

export interface Sample {
  /** Unix milliseconds. */
  readonly time: number;
  readonly measurements: readonly Measurement[];
  /** Of the process since its start: microseconds on any core. */
  readonly cpu: number;
  /** By name and attributes; made when first asked for. */
  values?: Map<string, number>;
}

export class Samples {
  readonly #agent: AgentView;
  readonly #now: () => number;
  readonly #kept: Sample[] = [];
  #accepted = Number.NaN;
  /** Unix milliseconds at which more had come in than before; NaN before that. */
  lastRow = Number.NaN;

  constructor(agent: AgentView, now: () => number) {
    this.#agent = agent;
    this.#now = now;
  }

  /** The latest, taken anew where it is older than `age` milliseconds. */
  latest(age = 0): Sample {
    const now = this.#now();
    const last = this.#kept.at(-1);
    if (last && now - last.time <= age && now >= last.time) return last;
    const { user, system } = process.cpuUsage();
    const sample = { time: now, measurements: this.#agent.measurements(), cpu: user + system };
    this.#kept.push(sample);
    if (this.#kept.length > MOST) this.#kept.shift();
    this.#noteRows(sample);
    return sample;
  }

  /** The one that rates are reckoned from: some ten seconds before the latest. Undefined before there are two. */
  get #before(): Sample | undefined {
    const last = this.#kept.at(-1);
    if (!last) return undefined;
    for (let i = this.#kept.length - 2; i >= 0; i--) {
      if (last.time - this.#kept[i].time >= OVER || i === 0) return this.#kept[i];
    }
    return undefined;
  }

  /** How much a number grew a second, of late; null while there is nothing to compare. What began anew counts from 0. */
  rate({ name, value, attributes }: Measurement): number | null {
    const before = this.#before;
    const seconds = this.#seconds(before);
    if (!before || !(seconds > 0)) return null;
    before.values ??= new Map(before.measurements.map((each) => [keyOf(each), each.value]));
    const old = before.values.get(keyOf({ name, value, attributes })) ?? 0;
    return (value >= old ? value - old : value) / seconds;
  }

  /** Part of one core that the process takes. */
  get cpu(): number {
    const before = this.#before;
    const seconds = this.#seconds(before);
    return before && seconds > 0 ? (this.#kept.at(-1)!.cpu - before.cpu) / 1e6 / seconds : 0;
  }

  #seconds(before: Sample | undefined): number {
    return before ? (this.#kept.at(-1)!.time - before.time) / 1000 : 0;
  }

  #noteRows({ time, measurements }: Sample): void {
    let accepted = 0;
    for (const { name, value } of measurements) if (name.startsWith(ACCEPTED)) accepted += value;
    if (accepted > 0 && accepted !== this.#accepted) this.lastRow = time;
    this.#accepted = accepted;
  }
}

export const ACCEPTED = "otelcol_receiver_accepted_";

const keyOf = ({ name, attributes }: Measurement) => `${name} ${Object.values(attributes).join("\n")}`;
