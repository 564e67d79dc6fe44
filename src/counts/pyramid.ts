// Calls and errors of the last hours, the older the coarser: sums over all windows that end now, in 46 numbers a series.

/** Cells of each level, and how many rows one of them holds: 6 of a row, 5 of 6, 6 of 30, 6 of 180. At 10 s a row 3.6 hours. */
export const CELLS = [6, 5, 6, 6] as const;
export const ROWS = [1, 6, 30, 180] as const;
export const FIRST = [0, 6, 11, 17] as const;
export const LEVELS = 4;
/** Numbers of a series: calls and errors of each cell. */
export const PYRAMID = 2 * 23;
/** Rows in the two finest levels: what is older has been taught. */
export const FRESH = 36;

/** Calls and errors that left the two finest levels with the last `push`. */
export let leftCalls = 0;
export let leftErrors = 0;

/** Adds row number `row` (0 the first, then one by one) of the series whose cells begin at `at`. */
export function push(cells: Float32Array, at: number, row: number, calls: number, errors: number): void {
  let n = calls;
  let k = errors;
  let age = row;
  leftCalls = 0;
  leftErrors = 0;
  for (let level = 0; level < LEVELS; level++) {
    // a cell is filled by those that leave the level below; as it begins, what it held before moves up
    const cell = at + 2 * (FIRST[level] + (Math.floor(age / ROWS[level]) % CELLS[level]));
    const begins = age % ROWS[level] === 0;
    const oldN = begins ? cells[cell] : 0;
    const oldK = begins ? cells[cell + 1] : 0;
    cells[cell] = (begins ? 0 : cells[cell]) + n;
    cells[cell + 1] = (begins ? 0 : cells[cell + 1]) + k;
    if (level === 1) {
      leftCalls = oldN;
      leftErrors = oldK;
    }
    if (!begins) return;
    n = oldN;
    k = oldK;
    age -= CELLS[level] * ROWS[level];
    if (age < 0) return;
  }
}
