// Which service explains that calls are slow on their way: the one that most slow edges touch, and few edges that are as usual.
import type { Edge, End } from "./edges.ts";

/** Rarities: from the first on an edge may be slow, below the second it is as usual. */
const SLOW = 1.7;
const USUAL = 0.9;
/** What one edge counts at most among several, and a trace of an edge that is as usual. */
const MOST_OF_ONE = 5.2;
const USUAL_TRACE = 0.43;
const MOST_USUAL = 1.7;
/** Services blamed at once; slow edges beyond are told later, or not. */
const MOST_BLAMED = 20;
/** No rarity is larger. */
const RAREST = 17;

/** Edges that are slow by the fault of `end`, the slowest first. */
export interface Blamed {
  readonly end: End;
  readonly edges: Edge[];
  /** Of all of them together. */
  readonly rarity: number;
}

/** How many times the usual, and how many milliseconds more, a slow edge takes at least. */
export interface Least {
  readonly ratio: number;
  readonly increase: number;
}

export const isSlow = (
  { rarity, ratio, mean }: { readonly rarity: number; readonly ratio: number; readonly mean: number },
  least: Least,
) => rarity >= SLOW && ratio >= least.ratio && mean - mean / ratio >= least.increase;

/**
 * A greedy cover: the end that explains most of the slow edges, less half of what speaks against it, then that of the rest. Of
 * one edge alone it is the side that is called, unless that one is called by others as usual.
 */
export function blame(slow: Iterable<Edge>, all: Iterable<Edge>): Blamed[] {
  const left = new Set(slow);
  const usual = left.size > 0 ? [...all].filter(({ judged, rarity }) => judged >= 2 && rarity < USUAL) : [];
  const blamed: Blamed[] = [];
  while (left.size > 0 && blamed.length < MOST_BLAMED) {
    for (const { from, to } of [...left, ...usual]) {
      from.slow = from.normal = to.slow = to.normal = 0;
      from.called = to.called = false;
    }
    for (const { from, to, rarity } of left) {
      from.slow += rarity;
      to.slow += rarity;
      to.called = true;
    }
    for (const { from, to, judged } of usual) {
      const against = Math.min(MOST_USUAL, USUAL_TRACE * judged);
      from.normal += against;
      to.normal += against;
    }
    const [first] = left;
    let best = first.to;
    for (const { from, to } of left) for (const end of [from, to]) if (guilt(end) > guilt(best)) best = end;
    const edges = [...left].filter(({ from, to }) => from === best || to === best);
    edges.sort((a, b) => b.rarity - a.rarity);
    for (const edge of edges) left.delete(edge);
    blamed.push({ end: best, edges, rarity: rarityOf(edges) });
  }
  return blamed;
}

const guilt = ({ slow, normal, called }: End) => slow - 0.5 * normal + (called ? 0.2 : 0);

/** That of the rarest, and half of the others: what slows all of them makes them no independent witnesses. */
function rarityOf(edges: readonly Edge[]): number {
  const [first, ...others] = edges;
  const more = others.reduce((sum, { rarity }) => sum + Math.min(rarity, MOST_OF_ONE), 0);
  return Math.min(RAREST, first.rarity + 0.5 * more);
}
