// Half-space trees (Tan, Ting & Liu 2011): trees whose splits are fixed before any data is seen, so that only counts are learnt.

/** Nodes of one tree, in the order of a heap: the children of node i are 2i + 1 and 2i + 2. */
export const nodesOf = (depth: number): number => 2 ** (depth + 1) - 1;

/** The part of a window at which a region is small enough to be judged: the paper's size limit, a tenth of theirs. */
const SMALL = 0.01;

/** The region that the walk is in, by dimension. */
let low = new Float64Array(0);
let high = new Float64Array(0);

/** 32 bits that look random, the same in every process. */
export function mixed(a: number, b: number): number {
  let x = (Math.imul(a + 1, 0x9e3779b1) ^ Math.imul(b + 1, 0x85ebca77)) | 0;
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return (x ^ (x >>> 15)) >>> 0;
}

/** Every dimension is halved first at a random place, the middle of a range that holds [0, 1]. */
function enter(tree: number, dimensions: number): void {
  if (low.length < dimensions) {
    low = new Float64Array(dimensions);
    high = new Float64Array(dimensions);
  }
  for (let k = 0; k < dimensions; k++) {
    const middle = mixed(tree, ~k) / 2 ** 32;
    const reach = middle > 0.5 ? middle : 1 - middle;
    low[k] = middle - reach;
    high[k] = middle + reach;
  }
}

/** Counts a point, `dimensions` coordinates in [0, 1], in every region it lies in. `mass` has the nodes of all trees from `at` on. */
export function count(
  mass: Uint16Array,
  at: number,
  trees: number,
  depth: number,
  point: Float64Array,
  dimensions: number,
): void {
  const nodes = nodesOf(depth);
  for (let tree = 0; tree < trees; tree++) {
    enter(tree, dimensions);
    const root = at + tree * nodes;
    let node = 0;
    mass[root]++;
    for (let level = 0; level < depth; level++) {
      const k = mixed(tree, node) % dimensions;
      const middle = (low[k] + high[k]) / 2;
      const right = point[k] >= middle;
      if (right) low[k] = middle;
      else high[k] = middle;
      node = 2 * node + (right ? 2 : 1);
      mass[root + node]++;
    }
  }
}

/**
 * How much emptier the point's regions are than if the window's `size` points lay evenly: in halvings, a mean over the trees, in
 * which one where it lies among many counts as 0. The paper adds up the masses instead, and there a combination that few trees
 * see is lost among those that do not. Each halving that left less than half of the points is credited to the dimension it halved, in `credit` from
 * `from` on, which is added to. A coordinate that is NaN goes where most do, and its halvings do not count.
 */
export function emptiness(
  mass: Uint16Array,
  at: number,
  trees: number,
  depth: number,
  size: number,
  point: Float64Array,
  dimensions: number,
  credit: Float64Array,
  from: number,
): number {
  const nodes = nodesOf(depth);
  const small = SMALL * size;
  let sum = 0;
  for (let tree = 0; tree < trees; tree++) {
    enter(tree, dimensions);
    const root = at + tree * nodes;
    let node = 0;
    let left = mass[root];
    let halvings = 0;
    for (let level = 0; level < depth && left > small; level++) {
      const k = mixed(tree, node) % dimensions;
      const middle = (low[k] + high[k]) / 2;
      const silent = Number.isNaN(point[k]);
      const right = silent ? mass[root + 2 * node + 2] > mass[root + 2 * node + 1] : point[k] >= middle;
      if (right) low[k] = middle;
      else high[k] = middle;
      node = 2 * node + (right ? 2 : 1);
      const inside = mass[root + node];
      if (!silent) {
        const lost = Math.log2((left + 0.5) / (inside + 0.5)) - 1;
        halvings += lost;
        if (lost > 0) credit[from + k] += lost / trees;
      }
      left = inside;
    }
    if (halvings > 0) sum += halvings;
  }
  return sum / trees;
}
