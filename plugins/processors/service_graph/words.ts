// The sentences that tell of slow ways and of span names without end.

/** Calls that take longer on their way than usual; times in milliseconds. */
export interface Slow {
  /** "calls to and from ts-basic". */
  readonly said: string;
  readonly edges: number;
  readonly traces: number;
  /** Unix milliseconds. */
  readonly since: number;
  readonly observed: number;
  readonly expected: number;
  readonly lower: number;
  readonly upper: number;
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

const brief = (value: number) => String(Number(value.toPrecision(value >= 100 ? 3 : 2)));

/** "104 ms", "1.2 s". */
export function took(ms: number): string {
  return ms < 1000 ? `${brief(ms)} ms` : `${brief(ms / 1000)} s`;
}

/** "2 to 5 ms". */
function between(lower: number, upper: number): string {
  const [from, to] = [took(lower), took(upper)];
  if (from === to) return from;
  return from.slice(-3) === to.slice(-3) ? `${from.replace(/ m?s$/, "")} to ${to}` : `${from} to ${to}`;
}

/** "45 s", "4 min", "2.5 h". */
function lasting(ms: number): string {
  if (ms < 100_000) return `${Math.max(1, Math.round(ms / 1000))} s`;
  return ms < 5_940_000 ? `${Math.round(ms / 60_000)} min` : `${brief(ms / 3_600_000)} h`;
}

export function slow({ said, edges, traces, since, observed, lower, upper }: Slow): string {
  const whole = edges > 1 ? `${edges} edges, ` : "";
  const clock = new Date(since).toISOString().slice(11, 16);
  const many = `${traces} trace${traces === 1 ? "" : "s"}`;
  return `${capital(said)} take ${took(observed)} on the way; usually ${between(lower, upper)}; ${whole}since ${clock}, ${many}.`;
}

export const over = (said: string, ms: number) =>
  `${capital(said)} are as quick on the way as before again, after ${lasting(ms)}.`;

export const ceased = (said: string, ms: number) =>
  `There have been no ${said} for ${lasting(ms)}: whether they are still slow on the way is not known.`;

export const adopted = (said: string, ms: number) =>
  `${capital(said)} have taken longer on the way for ${lasting(ms)}: that is taken for normal from now on.`;

/** "checkout makes up ever new span names, as GET /user/8f3a: more than 1,000 in an hour; put ids into attributes." */
export function endless(service: string, example: string, names: number): string {
  const many = names > 0 ? `: more than ${names.toLocaleString("en-US")} in an hour` : "";
  return `${service} makes up ever new span names, as ${example}${many}; put ids into attributes.`;
}

export const bounded = (service: string) => `${service} no longer makes up ever new span names.`;
