// What the series of a detector lend each other while they are young: how often rarities like the one claimed came true.

/** Kinds of series, by what they know of themselves. */
export const KINDS = 6;
const PER_DECADE = 8;
const CELLS = 8 * PER_DECADE;
const EDGES = CELLS + 1;
/** Pseudo rows that come true as they do for the next younger kind. */
const PRIOR = 1;
/** A claim is lowered by at most so much, or raised. */
const LOWERED = -3;
const RAISED = 0.1;
/** Rows between two looks at the counts, first and at most. */
const SOON = 256;
const SELDOM = 32_768;
/** Rows of a kind at which its counts are halved. */
const MEMORY = 2 ** 22;

/** Rows seen by kind; rows by kind and claim; what a claim is raised by at the lower edge of each cell; rows since the last look, and from look to look beyond `SOON`. */
export const FLEET = {
  rows: ["f64", KINDS, "shared"],
  claims: ["f64", KINDS * CELLS, "shared"],
  lent: ["f64", KINDS * EDGES, "shared"],
  pace: ["f64", 2, "shared"],
} as const;

export type Fleet = { readonly [Column in keyof typeof FLEET]: Float64Array };

/** What a claim of a series of this kind is worth. A larger one is never worth less. */
export function worth({ lent }: Fleet, kind: number, claim: number): number {
  const from = kind * EDGES;
  const cells = claim * PER_DECADE;
  if (cells >= CELLS) return claim + lent[from + CELLS];
  const cell = Math.floor(cells);
  const low = lent[from + cell];
  return claim + low + (cells - cell) * (lent[from + cell + 1] - low);
}

/** A row of a series of this kind claimed so much. */
export function count(fleet: Fleet, kind: number, claim: number): void {
  const { rows, claims, pace } = fleet;
  rows[kind] += 1;
  const cell = Math.floor(claim * PER_DECADE);
  claims[kind * CELLS + (cell < CELLS ? cell : CELLS - 1)] += 1;
  pace[0] += 1;
  if (pace[0] < SOON + pace[1]) return;
  pace[0] = 0;
  pace[1] = Math.min(SELDOM, SOON + 2 * pace[1]);
  for (let each = 0; each < KINDS; each++) look(fleet, each);
}

/** Rows that claimed as much or more, over those expected; a gamma prior on the rate of a Poisson count shrinks it to 1. */
function look({ rows, claims, lent }: Fleet, kind: number): void {
  const from = kind * EDGES;
  let reached = 0;
  for (let edge = CELLS; edge >= 0; edge--) {
    if (edge < CELLS) reached += claims[kind * CELLS + edge];
    const expected = rows[kind] * 10 ** (-edge / PER_DECADE);
    const before = kind > 1 ? 10 ** -lent[from - EDGES + edge] : 1;
    const ratio = (reached + PRIOR * before) / (expected + PRIOR);
    lent[from + edge] = Math.min(RAISED, Math.max(LOWERED, -Math.log10(ratio)));
  }
  for (let edge = 1; edge <= CELLS; edge++) {
    lent[from + edge] = Math.max(lent[from + edge], lent[from + edge - 1] - 1 / PER_DECADE);
  }
  if (rows[kind] < MEMORY) return;
  rows[kind] /= 2;
  for (let cell = 0; cell < CELLS; cell++) claims[kind * CELLS + cell] /= 2;
}
