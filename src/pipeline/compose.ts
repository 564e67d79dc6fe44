// A detector made of others: one plugin to the agent, whose state is that of all its parts, each told its own rows only.
import {
  type AnyRows,
  type AnyVerdicts,
  type Column,
  type CombinationPlugin,
  type DetectorPlugin,
  type Part,
  type StateShape,
  type VectorDetectorPlugin,
  type VectorOptions,
  z,
} from "../api/index.ts";
import { detectorOptions } from "./options.ts";

type AnyDetector = DetectorPlugin<any, any, StateShape> | VectorDetectorPlugin<any, StateShape>;
type Numbers = Float64Array | Float32Array | Uint32Array | Uint8Array;
type Columns = Record<string, Numbers>;

/** A detector of the configuration, with its options parsed. */
export interface Constituent {
  readonly id: string;
  readonly plugin: AnyDetector;
  readonly options: object;
}

const OWN = "own.";
/** Columns of so many entries a row as vectors are wide. */
const MATRICES = new Set(["values", "deviations", "held", "contributions"]);

/** The options that the agent adds to those of a combination. */
export const combinationOptions = () => ({
  ...detectorOptions({ signal: "metrics" }),
  threshold: z
    .number()
    .positive()
    .optional()
    .describe(
      "Rarity from which a row is an anomaly; that of the last detector when absent. Not beside `alert_budget`.",
    ),
  max_series: z
    .int()
    .positive()
    .optional()
    .describe(
      "Series remembered, or resources where it judges vectors; when absent, as many as each of the detectors may.",
    ),
});

type Shared = Partial<VectorOptions> & {
  readonly threshold?: number;
  readonly alert_budget?: number;
  readonly max_series?: number;
};

/** Options of the composed detector: those of the combination; what it leaves open is as its parts have it, vectors as the first. */
export function composedOptions(options: object, parts: readonly Constituent[]): object {
  const own = options as Shared;
  const all = parts.map((part) => part.options as Shared);
  const { threshold = all.at(-1)!.threshold, alert_budget } = own;
  const max_series = own.max_series ?? Math.min(...all.flatMap((each) => each.max_series ?? []), 100_000);
  const { interval, dimensions } = all[0];
  const shape = dimensions === undefined ? {} : { interval, dimensions };
  return { ...shape, ...options, max_series, ...(alert_budget === undefined && threshold && { threshold }) };
}

/**
 * The combination as a detector of its parts' kind. Throws when they do not go together, in words for the user. `options` are
 * those of `composedOptions`.
 */
export function compose(
  plugin: CombinationPlugin<any, any>,
  options: object,
  parts: readonly Constituent[],
): AnyDetector {
  const [{ plugin: first, id }] = parts;
  for (const { plugin: other, id: its } of parts) {
    if (other.signal !== "metrics") throw new Error(`${its} judges ${other.signal}; name a detector of metrics`);
    if (other.rows === first.rows) continue;
    const kind = ({ rows }: AnyDetector) => (rows === "vectors" ? "vectors" : "points");
    throw new Error(`${id} judges ${kind(first)} and ${its} ${kind(other)}; name two that judge the same`);
  }
  const width = first.rows === "vectors" ? (options as { dimensions: number }).dimensions : 1;
  const members = parts.map(
    (part, i) => new Member(prefixOf(i, part), part, first.rows === "vectors" ? width : 0, options),
  );
  const last = parts.at(-1)!.plugin;
  const state = Object.assign(prefixed(OWN, plugin.state), ...members.map(({ shape }) => shape)) as StateShape;
  const composed = {
    ...last,
    ...(plugin as object),
    kind: "detector",
    rows: first.rows,
    signal: "metrics",
    finds: last.finds,
    scores: "surprise",
    state,
    scoreThenLearn(rows: AnyRows, columns: Columns, verdicts: AnyVerdicts, config: object) {
      const own = view(columns, OWN, plugin.state);
      for (const member of members) member.open(rows, columns);
      plugin.scoreThenLearn(rows, own as never, verdicts, config as never, members);
    },
  };
  return composed as unknown as AnyDetector;
}

/** Says whose columns they are, so that a snapshot of other parts is refused. */
const prefixOf = (i: number, { plugin: { type, stateVersion = 1 } }: Constituent) => `${i}.${type}.${stateVersion}.`;

/** The shape's columns under longer names. */
function prefixed(prefix: string, shape: StateShape): Record<string, Column> {
  return Object.fromEntries(Object.entries(shape).map(([name, column]) => [prefix + name, column]));
}

/** The columns of a shape, under their own names. */
function view(columns: Columns, prefix: string, shape: StateShape): Columns {
  return Object.fromEntries(Object.keys(shape).map((name) => [name, columns[prefix + name]]));
}

class Member implements Part {
  readonly shape: StateShape;
  readonly #prefix: string;
  readonly #detector: AnyDetector;
  readonly #options: object;
  readonly #own: StateShape;
  /** 0 where rows are points. */
  readonly #width: number;
  #rows!: AnyRows;
  #columns!: Columns;
  /** Copies of the chosen rows, and the verdicts on them. */
  #given: Columns & { length?: number; width?: number } = {};
  #said: Columns = {};

  constructor(prefix: string, { plugin, options }: Constituent, width: number, around: object) {
    this.#prefix = prefix;
    this.#detector = plugin;
    this.#width = width;
    // vectors are as wide for all
    this.#options = width > 0 ? { ...options, dimensions: width, interval: (around as any).interval } : options;
    this.#own = typeof plugin.state === "function" ? plugin.state(this.#options as never) : plugin.state;
    const held = width > 0 ? { [`${prefix}held`]: ["u32", width] as const } : {};
    this.shape = { ...prefixed(`${prefix}of.`, this.#own), [`${prefix}age`]: "u32", ...held };
  }

  open(rows: AnyRows, columns: Columns): void {
    this.#rows = rows;
    this.#columns = columns;
  }

  judge(chosen: Uint32Array, count: number, into: AnyVerdicts): void {
    const rows = this.#rows as AnyRows & Columns;
    const given = this.#room(this.#given, rows);
    const said = this.#room(this.#said, into as unknown as Columns);
    for (const [name, column] of Object.entries(given)) {
      if (name !== "age" && name !== "held") pick(rows[name], chosen, count, this.#entries(name), column);
    }
    this.#count(chosen, count, given);
    for (const column of Object.values(said)) column.fill(column instanceof Float64Array ? Number.NaN : 0);
    const own = view(this.#columns, `${this.#prefix}of.`, this.#own);
    const shown = { ...given, length: count, ...(this.#width > 0 && { width: this.#width }) };
    if (count > 0) this.#detector.scoreThenLearn(shown as never, own as never, said as never, this.#options as never);
    for (const [name, column] of Object.entries(said)) {
      put(column, chosen, count, this.#entries(name), (into as unknown as Columns)[name]);
    }
  }

  #entries(name: string): number {
    return MATRICES.has(name) ? this.#width : 1;
  }

  /** Copies with room for all that the columns of `like` show. */
  #room(columns: Columns, like: object): Columns {
    for (const [name, column] of Object.entries(like)) {
      if (!ArrayBuffer.isView(column) || columns[name]?.length >= (column as Numbers).length) continue;
      columns[name] = (column as Numbers).slice();
    }
    return columns;
  }

  /** Of each chosen row how many this part was given before it, and of vectors how many since each dimension's metric came. */
  #count(chosen: Uint32Array, count: number, given: Columns): void {
    const rows = this.#rows as AnyRows & Columns;
    const width = this.#width;
    const ages = this.#columns[`${this.#prefix}age`];
    const helds = this.#columns[`${this.#prefix}held`];
    let next = 0;
    for (let i = 0; i < rows.length; i++) {
      const s = rows.series[i];
      // a metric that is new in a row which this part does not see is new to it in the next
      for (let k = 0; k < width; k++) if (rows.held[i * width + k] === 0) helds[s * width + k] = 0;
      if (next === count || chosen[next] !== i) continue;
      given.age[next] = ages[s];
      if (ages[s] < 0xffffffff) ages[s]++;
      for (let k = 0; k < width; k++) {
        given.held[next * width + k] = helds[s * width + k];
        if (helds[s * width + k] < 0xffffffff) helds[s * width + k]++;
      }
      next++;
    }
  }
}

/** to[j] = from[chosen[j]], of `width` entries each. */
function pick(from: Numbers, chosen: Uint32Array, count: number, width: number, to: Numbers): void {
  for (let j = 0; j < count; j++) {
    for (let k = 0; k < width; k++) to[j * width + k] = from[chosen[j] * width + k];
  }
}

/** to[chosen[j]] = from[j], of `width` entries each. */
function put(from: Numbers, chosen: Uint32Array, count: number, width: number, to: Numbers): void {
  for (let j = 0; j < count; j++) {
    for (let k = 0; k < width; k++) to[chosen[j] * width + k] = from[j * width + k];
  }
}
