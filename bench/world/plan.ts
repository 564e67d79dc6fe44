// Which faults a report plants: targets and sizes of every kind, one after the other with rests between.
import { Chance } from "./chance.ts";
import type { Fault, FaultKind } from "./faults.ts";

interface Candidates {
  readonly sizes: readonly number[];
  /** Target and what it calls; where a size has a place of its own: also that size. */
  readonly at: readonly (readonly [target: string, peer?: string, size?: number])[];
}

const BUSY = [
  "account GET /session",
  "catalog GET /products/{id}",
  "inventory GET /stock/{sku}",
  "search rank",
  "gateway render page",
  "cart GET /cart",
  "search GET /related",
  "catalog GET /featured",
] as const;

const CALLS = [
  ["gateway GET /products/{id}", "inventory GET /stock/{sku}"],
  ["cart GET /cart", "catalog GET /prices"],
  ["search GET /query", "catalog POST /products:batch"],
  ["gateway GET /cart", "cart GET /cart"],
] as const;

/** Durations and traffic are multiplied by a size, errors and the shape of calls happen in that share. */
export const CANDIDATES: Readonly<Record<FaultKind, Candidates>> = {
  slow: { sizes: [2, 3, 5, 10], at: BUSY.map((target) => [target]) },
  fast: { sizes: [5, 10], at: BUSY.map((target) => [target]) },
  delay: {
    sizes: [3, 10, 30],
    at: [...CALLS, ["catalog"], ["account"], ["inventory"], ["gateway GET /", "account GET /session"]],
  },
  errors: {
    sizes: [0.05, 0.2, 1],
    at: [
      ["inventory GET /stock/{sku}", undefined, 0.05],
      ["catalog GET /products/{id}", undefined, 0.05],
      ["search GET /related", undefined, 0.05],
      ["account POST /login", undefined, 0.2],
      ["payment POST /charges", undefined, 0.2],
      ["account GET /session", undefined, 1],
      ["catalog GET /prices", undefined, 1],
      ["search rank", undefined, 1],
    ],
  },
  traffic: {
    sizes: [3, 10, 1 / 3, 0],
    at: [["gateway GET /"], ["gateway GET /search"], ["gateway GET /cart"], ["gateway GET /products/{id}"]],
  },
  new_call: {
    sizes: [0.1, 0.5, 1],
    at: [
      ["cart GET /cart", "payment GET /charges/{id}"],
      ["catalog GET /featured", "inventory GET /stock/{sku}"],
      ["gateway GET /search", "account GET /addresses"],
      ["search GET /related", "catalog GET /prices"],
    ],
  },
  missing_call: {
    sizes: [0.5, 1],
    at: [
      ...CALLS,
      ["gateway GET /", "catalog GET /featured"],
      ["gateway GET /", "gateway render page"],
      ["checkout POST /orders", "payment POST /charges"],
    ],
  },
  retry_storm: { sizes: [3, 5, 10], at: CALLS },
  repeated_call: {
    sizes: [5, 20],
    at: [
      ["catalog GET /products/{id}", "GET products"],
      ["catalog GET /prices", "SELECT prices"],
      ["cart POST /items", "UPDATE carts"],
      ["account GET /session", "GET sessions"],
    ],
  },
  fan_out: {
    sizes: [3, 10],
    at: [
      ["search GET /query", "catalog POST /products:batch"],
      ["search GET /query", "search rank"],
      ["gateway GET /products/{id}", "search GET /related"],
    ],
  },
  new_operation: {
    sizes: [0.1, 0.5, 1],
    at: [...CALLS, ["gateway GET /", "catalog GET /featured"], ["gateway GET /cart", "account GET /session"]],
  },
  new_path: {
    sizes: [0.1, 0.5, 1],
    at: [
      ["gateway GET /cart"],
      ["gateway GET /search"],
      ["gateway GET /products/{id}"],
      ["account POST /login"],
      ["cart POST /items"],
      ["payment POST /charges"],
    ],
  },
};

export const FAULT_KINDS = Object.keys(CANDIDATES) as FaultKind[];

/** Has its turns after those of all others: when and where those are does not depend on it. */
const LAST: FaultKind = "new_path";

export interface PlanOptions {
  readonly seed: number;
  /** Unix milliseconds of the first fault. */
  readonly first: number;
  /** Milliseconds: how long a fault lasts, and from one's begin to that of the next. */
  readonly lasts: number;
  readonly every: number;
  readonly count: number;
  readonly kinds?: readonly FaultKind[];
}

const FRESH = "PoolExhaustedError";

/** Another kind begins each round of all kinds. */
const ROTATED = 4;

/** Kinds and sizes take turns; worlds whose seeds follow each other go on where the last one ended. */
export function planOf(options: PlanOptions): Fault[] {
  const { first, every, count, kinds = FAULT_KINDS } = options;
  const others = kinds.filter((kind) => kind !== LAST);
  const last = kinds.includes(LAST) ? Math.floor(count / kinds.length) : 0;
  const before = count - last;
  return [
    ...turnsOf({ ...options, count: before, kinds: others }),
    ...turnsOf({ ...options, first: first + before * every, count: last, kinds: [LAST] }),
  ];
}

function turnsOf({ seed, first, lasts, every, count, kinds }: Required<PlanOptions>): Fault[] {
  const chance = new Chance(seed ^ 0x7f4a7c15);
  return Array.from({ length: count }, (_, i) => {
    const turn = seed * count + i;
    const round = Math.floor(turn / kinds.length);
    const kind = kinds[(turn + ROTATED * round) % kinds.length];
    const { sizes, at } = CANDIDATES[kind];
    const size = sizes[round % sizes.length];
    const fitting = at.filter(([, , only]) => only === undefined || only === size);
    const [target, peer] = fitting[chance.whole(fitting.length)];
    const from = first + i * every + chance.whole(Math.max(1, (every - lasts) / 2));
    const exception = kind === "errors" ? FRESH : undefined;
    return { kind, target, peer, size, exception, from, to: from + lasts };
  });
}
