// A case measured: contestants in turns, each started anew every time; medians of the turns, and how far they lie apart.
import { median } from "../harness.ts";
import type { Case } from "./cases.ts";
import type { Contestant } from "./contestants.ts";
import { type Side, start } from "./trial.ts";

export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export interface Measured {
  readonly contestant: Contestant;
  /** CPU nanoseconds of the process a row, at saturation. */
  readonly cpu: Spread;
  /** Rows a second at saturation of one core. */
  readonly rate: Spread;
  /** Bytes, at most. */
  readonly peak: Spread;
  /** Milliseconds to the first acknowledgement. */
  readonly startUp: Spread;
  /** Of the core that load and sink had: near 1, they were what held it back. */
  readonly busy: number;
}

/** What goes its way through an agent that has time; times in milliseconds, medians of the turns. */
export interface Way {
  readonly contestant: string;
  /** Requests a second: half of what it managed at saturation. */
  readonly rate: number;
  readonly p50: Spread;
  readonly p99: Spread;
  /** The same requests, straight from load to sink. */
  readonly nothing: { readonly p50: Spread; readonly p99: Spread };
  /** Of a core, at 10,000 rows a second. */
  readonly share: Spread;
}

const SECONDS = 2.5;
const SENDERS = 16;
const FIXED = 10_000;

const spread = (values: readonly number[]): Spread => ({
  median: median(values),
  least: Math.min(...values),
  most: Math.max(...values),
});

interface Turn {
  readonly cpu: number;
  readonly rate: number;
  readonly peak: number;
  readonly startUp: number;
  readonly busy: number;
}

async function turn(each: Case, contestant: Contestant, between: Side, smoke: boolean): Promise<Turn> {
  const agent = await start(contestant, each, between);
  try {
    await agent.drive({ seconds: smoke ? 0.3 : each.warm, senders: SENDERS });
    const before = agent.cpu();
    const outcome = await agent.drive({ seconds: smoke ? 0.3 : SECONDS, senders: SENDERS });
    const { requests, failed, error, seconds, busy } = outcome;
    if (failed > 0) throw new Error(`${contestant.name} failed ${failed} of ${requests} requests: ${error}`);
    const rows = requests * each.rows;
    return {
      cpu: (agent.cpu() - before) / rows,
      rate: rows / seconds,
      peak: agent.resident().peak,
      startUp: agent.startUp,
      busy,
    };
  } finally {
    await agent.stop();
  }
}

export async function measure(
  each: Case,
  contestants: readonly Contestant[],
  between: Side,
  { rounds, smoke }: { rounds: number; smoke: boolean },
): Promise<Measured[]> {
  const turns = contestants.map(() => [] as Turn[]);
  for (let round = 0; round < rounds; round++) {
    for (const [i, contestant] of contestants.entries()) turns[i].push(await turn(each, contestant, between, smoke));
  }
  return contestants.map((contestant, i) => {
    const of = (figure: (turn: Turn) => number) => spread(turns[i].map(figure));
    return {
      contestant,
      cpu: of(({ cpu }) => cpu),
      rate: of(({ rate }) => rate),
      peak: of(({ peak }) => peak),
      startUp: of(({ startUp }) => startUp),
      busy: of(({ busy }) => busy).median,
    };
  });
}

interface Passage {
  readonly p50: number;
  readonly p99: number;
  readonly bare50: number;
  readonly bare99: number;
  readonly share: number;
}

async function passage(
  each: Case,
  contestant: Contestant,
  rate: number,
  between: Side,
  smoke: boolean,
): Promise<Passage> {
  const seconds = smoke ? 0.5 : 5;
  const agent = await start(contestant, each, between, { free: true });
  try {
    const { protocol } = each;
    await agent.drive({ seconds: smoke ? 0.3 : each.warm, senders: SENDERS, rate });
    const { ways } = await agent.drive({ seconds, senders: 64, rate });
    const bare = await between.drive({ protocol, port: between.ports[protocol], seconds, senders: 64, rate });
    const before = agent.cpu();
    const fixed = await agent.drive({ seconds, senders: 4, rate: FIXED / each.rows });
    return {
      p50: quantile(ways, 0.5),
      p99: quantile(ways, 0.99),
      bare50: quantile(bare.ways, 0.5),
      bare99: quantile(bare.ways, 0.99),
      share: (agent.cpu() - before) / 1e9 / fixed.seconds,
    };
  } finally {
    await agent.stop();
  }
}

const quantile = (sorted: readonly number[], q: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;

/** Half load is half of each one's own saturation. */
export async function measureWays(
  each: Case,
  measured: readonly Measured[],
  between: Side,
  { rounds, smoke }: { rounds: number; smoke: boolean },
): Promise<Way[]> {
  const rates = measured.map(({ rate }) => rate.median / each.rows / 2);
  const passages = measured.map(() => [] as Passage[]);
  for (let round = 0; round < rounds; round++) {
    for (const [i, { contestant }] of measured.entries()) {
      passages[i].push(await passage(each, contestant, rates[i], between, smoke));
    }
  }
  return measured.map(({ contestant: { name } }, i) => {
    const of = (figure: (passage: Passage) => number) => spread(passages[i].map(figure));
    return {
      contestant: name,
      rate: rates[i],
      p50: of(({ p50 }) => p50),
      p99: of(({ p99 }) => p99),
      nothing: { p50: of(({ bare50 }) => bare50), p99: of(({ bare99 }) => bare99) },
      share: of(({ share }) => share),
    };
  });
}
