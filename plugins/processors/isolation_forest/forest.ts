// Isolation trees (Liu, Ting & Zhou 2008): built from a part of the sample, and how early they part a vector from the rest.
import type { Chance } from "./chance.ts";
import { at, type Sample } from "./sample.ts";

/** Of a node, instead of the dimension that it splits. */
const LEAF = 255;
/** A value lies apart from a node's when it is further from their range than that is wide. */
const APART = 1;

export const heightOf = (subsample: number): number => Math.ceil(Math.log2(subsample));
/** Nodes of one tree, in the order of a heap: the children of node i are 2i + 1 and 2i + 2. The first half, less one, are inner. */
export const nodesOf = (subsample: number): number => 2 ** (heightOf(subsample) + 1) - 1;
export const innerOf = (subsample: number): number => (nodesOf(subsample) - 1) / 2;

/** Trees of one size that lie one after the other. */
export interface Forest {
  /** By inner node: the dimension that it splits, or LEAF; where; and between which values the vectors in it lay. */
  readonly dimension: Uint8Array;
  readonly split: Float32Array;
  readonly low: Float32Array;
  readonly high: Float32Array;
  /** By node: vectors that it was built from. */
  readonly size: Uint16Array;
  readonly trees: number;
  readonly subsample: number;
}

/** Mean depth at which a search tree of n entries ends without a find: what an isolation tree still saves at a leaf of n. */
function pathLength(n: number): number {
  if (n < 2) return 0;
  return n === 2 ? 1 : 2 * (Math.log(n - 1) + 0.5772156649) - (2 * (n - 1)) / n;
}

/** Positions in the sample, those of a node lie together; and where those of each node begin. */
let order = new Uint32Array(0);
let begins = new Uint32Array(0);

/** Builds a tree anew, from vectors drawn out of the sample. `tree` counts from the first of the first resource. */
export function build(forest: Forest, tree: number, sample: Sample, chance: Chance): void {
  const { dimension, split, low, high, size, subsample } = forest;
  const nodes = nodesOf(subsample);
  const inner = innerOf(subsample);
  const root = tree * nodes;
  const drawn = Math.min(subsample, sample.filled);
  draw(sample.filled, drawn, chance);
  survey(sample, drawn);
  if (begins.length < nodes) begins = new Uint32Array(nodes);
  dimension.fill(LEAF, tree * inner, (tree + 1) * inner);
  size.fill(0, root, root + nodes);
  size[root] = drawn;
  begins[0] = 0;
  for (let node = 0; node < inner; node++) {
    const begin = begins[node];
    const end = begin + size[root + node];
    if (end - begin < 2) continue;
    const k = splitOf(sample, begin, end, chance);
    if (k < 0) continue;
    const where = Math.fround(lowest + chance.next() * (highest - lowest));
    const middle = partition(sample, k, where, begin, end);
    if (middle === begin || middle === end) continue;
    const own = tree * inner + node;
    dimension[own] = k;
    split[own] = where;
    low[own] = lowest;
    high[own] = highest;
    begins[2 * node + 1] = begin;
    begins[2 * node + 2] = middle;
    size[root + 2 * node + 1] = middle - begin;
    size[root + 2 * node + 2] = end - middle;
  }
}

/** The first `size` entries of `order` become different positions below `filled`, each set as likely as any. */
function draw(filled: number, size: number, chance: Chance): void {
  if (order.length < filled) order = new Uint32Array(filled);
  for (let i = 0; i < filled; i++) order[i] = i;
  for (let i = 0; i < size; i++) {
    const j = i + Math.floor(chance.next() * (filled - i));
    const chosen = order[j];
    order[j] = order[i];
    order[i] = chosen;
  }
}

let lowest = 0;
let highest = 0;

/** Finds between which values of dimension k the vectors lie. */
function measure(sample: Sample, k: number, begin: number, end: number): void {
  lowest = highest = at(sample, order[begin], k);
  for (let i = begin + 1; i < end; i++) {
    const value = at(sample, order[i], k);
    if (value < lowest) lowest = value;
    else if (value > highest) highest = value;
  }
}

/** Dimensions in which the drawn vectors differ, and of these the ones that were not tried at a node yet come first. */
let varied = new Uint8Array(0);
let variety = 0;

function survey(sample: Sample, drawn: number): void {
  if (varied.length < sample.width) varied = new Uint8Array(sample.width);
  variety = 0;
  for (let k = 0; k < sample.width; k++) {
    measure(sample, k, 0, drawn);
    if (lowest < highest) varied[variety++] = k;
  }
}

/** One of the dimensions in which the vectors of a node differ, each as likely as any, and measured; -1 when there is none. */
function splitOf(sample: Sample, begin: number, end: number, chance: Chance): number {
  for (let left = variety; left > 0; left--) {
    const drawn = Math.floor(chance.next() * left);
    const k = varied[drawn];
    measure(sample, k, begin, end);
    if (lowest < highest) return k;
    varied[drawn] = varied[left - 1];
    varied[left - 1] = k;
  }
  return -1;
}

/** Those below `where` come first; where the others begin. */
function partition(sample: Sample, k: number, where: number, begin: number, end: number): number {
  let middle = begin;
  for (let i = begin; i < end; i++) {
    if (!(at(sample, order[i], k) < where)) continue;
    const position = order[i];
    order[i] = order[middle];
    order[middle++] = position;
  }
  return middle;
}

/**
 * How many levels a vector of the sample would still go where this one already lies apart from all that went the same way: a mean
 * over the trees from `first` on. That is the acceptable range of SCiForest (Liu, Ting & Zhou 2010). The depth of the first paper
 * says little of a vector that no tree was built from: it goes with whoever is on the edge, as deep as those. An entry that is NaN goes where most do.
 * The dimension in which it lies apart is credited with its part, in `credit` from `from` on, which is added to.
 */
export function earliness(
  forest: Forest,
  first: number,
  point: Float32Array,
  credit: Float64Array,
  from: number,
): number {
  const { dimension, split, low, high, size, trees, subsample } = forest;
  const nodes = nodesOf(subsample);
  const inner = innerOf(subsample);
  let sum = 0;
  for (let tree = first; tree < first + trees; tree++) {
    for (let node = 0; node < inner; ) {
      const own = tree * inner + node;
      if (dimension[own] === LEAF) break;
      const x = point[dimension[own]];
      if (Number.isNaN(x)) {
        const left = tree * nodes + 2 * node + 1;
        node = 2 * node + (size[left] < size[left + 1] ? 2 : 1);
        continue;
      }
      const reach = APART * (high[own] - low[own]);
      if (x < low[own] - reach || x > high[own] + reach) {
        const early = pathLength(size[tree * nodes + node]);
        sum += early;
        credit[from + dimension[own]] += early / trees;
        break;
      }
      node = 2 * node + (x < split[own] ? 1 : 2);
    }
  }
  return sum / trees;
}
