// Plugins that break exactly one law each, so that it is known that the contract can fail.
import { createServer, type Server } from "node:net";
import {
  defineConnector,
  defineDetector,
  defineExporter,
  defineExtension,
  defineFinder,
  defineProcessor,
  defineReceiver,
  defineVectorDetector,
  type Plugin,
  z,
} from "vedette";
import type { Law, Places } from "vedette/testing";

interface Bad {
  readonly law: Law;
  /** What the violation says, among the rest. */
  readonly seen: RegExp;
  readonly plugin: Plugin;
  readonly config?: (places: Places) => object;
}

const about = { type: "bad", stability: "alpha", summary: "Breaks a law." } as const;
const alpha = z.number().gt(0).lt(1).default(0.05).describe("Weight of the newest point.");
const detector = {
  ...about,
  signal: "metrics",
  finds: { above: "spike", below: "drop" },
  config: z.object({ alpha }),
} as const;
const address = z.string().default("127.0.0.1:0").describe("Where.");
const atAddress = ({ address }: Places) => ({ address });

/** A detector that keeps every law: mean and absolute deviation, of values that are numbers one can square. */
function step(s: number, v: number, mean: Float64Array, spread: Float64Array, weight: number): number {
  if (!(Math.abs(v) < 1e100)) return Number.NaN;
  const distance = Math.abs(v - mean[s]);
  const score = spread[s] > 0 ? distance / spread[s] : 0;
  mean[s] += weight * (v - mean[s]);
  spread[s] += weight * (Math.min(distance, spread[s] > 0 ? 5 * spread[s] : distance) - spread[s]);
  return score;
}

export const good = defineDetector({
  ...detector,
  type: "good",
  state: { mean: "f64", spread: "f64" },
  scoreThenLearn({ length, series, age, value }, { mean, spread }, { score, expected }, { alpha }) {
    for (let i = 0; i < length; i++) {
      const s = series[i];
      if (age[i] === 0 && Math.abs(value[i]) < 1e100) mean[s] = value[i];
      expected[i] = mean[s];
      score[i] = step(s, value[i], mean, spread, alpha);
    }
  },
});

const judgesBatches = defineDetector({
  ...detector,
  state: { mean: "f64", spread: "f64" },
  scoreThenLearn({ length, series, age, value }, { mean, spread }, { score }, { alpha }) {
    for (let i = 0; i < length; i++) {
      const s = series[i];
      if (age[i] === 0 && Math.abs(value[i]) < 1e100) mean[s] = value[i];
      score[i] = step(s, value[i], mean, spread, alpha) * (1 + length / 1e6);
    }
  },
});

const joined = { ...about, finds: { above: "outlier", below: "outlier" }, config: z.object({}) } as const;

/** Vectors by the product of two metrics that rise together, if one has both; `more` spoils the score. */
const vectors = (more: (age: number, length: number) => number) =>
  defineVectorDetector({
    ...joined,
    state: { mean: "f64", spread: "f64" },
    scoreThenLearn({ length, width, series, age, values }, { mean, spread }, { score }) {
      for (let i = 0; i < length; i++) {
        const [a, b, c, d, e] = values
          .subarray(i * width, i * width + 5)
          .map((value) => Math.log(Math.abs(value) + 1e-9));
        const off = Math.abs(a - c) + Math.abs(b - 1.5 * a) + Math.abs(d - 0.5 * a) + Math.abs(e + a);
        score[i] = step(series[i], off, mean, spread, 0.05) * (1 + more(age[i], length) / 1e6);
      }
    },
  });

let vectorsSeen = 0;

type Memory = { mean: Float64Array; spread: Float64Array };
const own = new WeakMap<object, Memory>();
const remembersElsewhere = defineDetector({
  ...detector,
  state: {},
  scoreThenLearn({ length, series, age, value }, _, { score }, config) {
    const memory = own.get(config) ?? { mean: new Float64Array(4096), spread: new Float64Array(4096) };
    own.set(config, memory);
    for (let i = 0; i < length; i++) {
      const s = series[i];
      if (age[i] === 0 && Math.abs(value[i]) < 1e100) memory.mean[s] = value[i];
      score[i] = step(s, value[i], memory.mean, memory.spread, config.alpha);
    }
  },
});

const kept = new WeakMap<object, Memory>();
const keepsItsState = defineDetector({
  ...detector,
  state: { mean: "f64", spread: "f64" },
  scoreThenLearn({ length, series, age, value }, state, { score }, config) {
    if (!kept.has(config)) kept.set(config, state);
    const { mean, spread } = kept.get(config)!;
    for (let i = 0; i < length; i++) {
      const s = series[i];
      if (age[i] === 0 && Math.abs(value[i]) < 1e100) mean[s] = value[i];
      score[i] = step(s, value[i], mean, spread, config.alpha);
    }
  },
});

/** Right after a restart as well, since it reads its columns; wrong only once a row has had another series. */
const rowsSeen = new WeakMap<object, Set<number>>();
const trustsRows = defineDetector({
  ...detector,
  state: { mean: "f64", spread: "f64", begun: "u8" },
  scoreThenLearn({ length, series, value }, { mean, spread, begun }, { score }, config) {
    const seen = rowsSeen.get(config) ?? new Set();
    rowsSeen.set(config, seen);
    for (let i = 0; i < length; i++) {
      const s = series[i];
      if (begun[s] === 0 && !seen.has(s) && Math.abs(value[i]) < 1e100) mean[s] = value[i];
      begun[s] = 1;
      seen.add(s);
      score[i] = step(s, value[i], mean, spread, config.alpha);
    }
  },
});

const rollsDice = defineDetector({
  ...detector,
  state: { mean: "f64", spread: "f64" },
  scoreThenLearn({ length, series, age, value }, { mean, spread }, { score }, { alpha }) {
    for (let i = 0; i < length; i++) {
      const s = series[i];
      if (age[i] === 0 && Math.abs(value[i]) < 1e100) mean[s] = value[i];
      score[i] = step(s, value[i], mean, spread, alpha) * (1 + 1e-6 * Math.random());
    }
  },
});

const readsTheClock = defineDetector({
  ...detector,
  state: { mean: "f64", spread: "f64" },
  scoreThenLearn({ length, series, age, value }, { mean, spread }, { score }, { alpha }) {
    const year = new Date().getFullYear();
    for (let i = 0; i < length; i++) {
      const s = series[i];
      if (age[i] === 0 && Math.abs(value[i]) < 1e100) mean[s] = value[i];
      score[i] = step(s, value[i], mean, spread, alpha) * (1 + year / 1e6);
    }
  },
});

const learnsAnything = defineDetector({
  ...detector,
  state: { mean: "f64", spread: "f64" },
  scoreThenLearn({ length, series, age, value }, { mean, spread }, { score }, { alpha }) {
    for (let i = 0; i < length; i++) {
      const s = series[i];
      if (age[i] === 0) mean[s] = value[i];
      const distance = Math.abs(value[i] - mean[s]);
      score[i] = spread[s] > 0 ? distance / spread[s] : 0;
      mean[s] += alpha * (value[i] - mean[s]);
      spread[s] += alpha * (Math.min(distance, spread[s] > 0 ? 5 * spread[s] : distance) - spread[s]);
    }
  },
});

const throwsAtInfinity = defineDetector({
  ...detector,
  state: { mean: "f64", spread: "f64" },
  scoreThenLearn({ length, series, age, value }, { mean, spread }, { score }, { alpha }) {
    for (let i = 0; i < length; i++) {
      const s = series[i];
      if (value[i] === Number.POSITIVE_INFINITY) throw new RangeError("too much");
      if (age[i] === 0 && Math.abs(value[i]) < 1e100) mean[s] = value[i];
      score[i] = step(s, value[i], mean, spread, alpha);
    }
  },
});

const flagsEverything = defineDetector({
  ...detector,
  state: {},
  scoreThenLearn({ length }, _, { score }) {
    for (let i = 0; i < length; i++) score[i] = 1000;
  },
});

const flagsAnything = defineDetector({
  ...detector,
  state: { calls: "u32" },
  scoreThenLearn({ length, series }, { calls }, { score }) {
    for (let i = 0; i < length; i++) {
      calls[series[i]] = (Math.imul(calls[series[i]], 1664525) + 1013904223) >>> 0;
      score[i] = (calls[series[i]] >>> 8) % 1000;
    }
  },
});

const nothing = { async export() {}, process: (data: unknown) => data };

const exporter = { ...about, signals: ["traces"], sends: false, config: z.object({}) } as const;
const sender = { ...exporter, sends: true, config: z.object({ address }) } as const;
const listener = { ...about, config: z.object({ address }) } as const;

/** A server at an address; `careless` says nothing when the port is taken. */
function served(text: string, careless: boolean) {
  const server: Server = createServer();
  const [host, port] = text.split(":");
  return {
    start: () =>
      new Promise<void>((resolve, reject) => {
        server.once("error", careless ? () => resolve() : reject);
        server.listen(Number(port), host, resolve);
      }),
    stop: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

/** A finder that tells of every 500th request; `begin` is the count that it begins with, from the one that was saved. */
let rolled = 0;

function counting(begin: (saved: number) => number, state: "open" | "resolved" = "open"): Plugin {
  return defineFinder({
    ...about,
    signals: ["metrics"],
    finds: ["bad"],
    config: z.object({}),
    create(_, __, detection) {
      let count = begin(0);
      return {
        process(batch) {
          if (batch.rows.length > 0 && ++count % 500 === 0) {
            const finding = {
              type: "bad",
              signal: "metrics",
              labels: batch.labels(0),
              time: batch.rows.time[0],
            } as const;
            detection.find({ ...finding, state, rarity: Number.POSITIVE_INFINITY });
          }
          return batch;
        },
        save: () => Uint8Array.of(count >> 8, count),
        load(saved) {
          count = begin(saved[0] * 256 + saved[1]);
        },
      };
    },
  });
}

/** A varint that no message of OTLP has. */
const UNKNOWN_FIELD = 0x78;
let fed = 0;

export const bad: Readonly<Record<string, Bad>> = {
  "scores by the size of the batch": {
    law: "splitting",
    seen: /in one batch and .* in \d+ batches/,
    plugin: judgesBatches,
  },
  "scores vectors by how many come at once": {
    law: "splitting",
    seen: /in one batch and .* in \d+ batches/,
    plugin: vectors((_, length) => length),
  },
  "remembers vectors outside its columns": {
    law: "memory",
    seen: /restored from a snapshot/,
    plugin: vectors((age) => (vectorsSeen = age === 0 ? 0 : vectorsSeen + 1)),
  },
  "flags vectors at random": {
    law: "sense",
    seen: /hardly better than no detector/,
    plugin: defineVectorDetector({
      ...joined,
      state: { seen: "u32" },
      scoreThenLearn({ length, series }, { seen }, { score }) {
        for (let i = 0; i < length; i++) score[i] = (Math.imul(++seen[series[i]], 0x9e3779b1) >>> 16) / 65_536;
      },
    }),
  },
  "remembers outside its columns": { law: "memory", seen: /restored from a snapshot/, plugin: remembersElsewhere },
  "keeps the state that it was lent": { law: "memory", seen: /arguments that are taken back/, plugin: keepsItsState },
  "takes a recycled row for an old one": { law: "memory", seen: /in a recycled row/, plugin: trustsRows },
  "rolls dice": { law: "repeatability", seen: /the second time/, plugin: rollsDice },
  "reads the clock": { law: "repeatability", seen: /the second time/, plugin: readsTheClock },
  "learns what is not finite": {
    law: "hostile values",
    seen: /after the value NaN: .* holds NaN/,
    plugin: learnsAnything,
  },
  "throws at infinity": { law: "hostile values", seen: /RangeError: too much/, plugin: throwsAtInfinity },
  "flags everything": { law: "sense", seen: /hardly better than no detector/, plugin: flagsEverything },
  "flags at random": { law: "sense", seen: /hardly better than no detector/, plugin: flagsAnything },
  "has an option without a description": {
    law: "manners",
    seen: /option level has no description/,
    plugin: defineExporter({ ...exporter, config: z.object({ level: z.int().default(1) }), create: () => nothing }),
  },
  "takes unknown options": {
    law: "manners",
    seen: /unknown option is not refused/,
    plugin: defineExporter({ ...exporter, config: z.looseObject({}), create: () => nothing }),
  },
  "has no defaults": {
    law: "manners",
    seen: /without options: path/,
    plugin: defineExporter({
      ...exporter,
      config: z.object({ path: z.string().describe("Where to.") }),
      create: () => nothing,
    }),
  },
  "has no name": {
    law: "manners",
    seen: /not snake_case/,
    plugin: defineExporter({ ...exporter, type: "Bad-Name", create: () => nothing }),
  },
  "summarises in no sentence": {
    law: "manners",
    seen: /not a sentence/,
    plugin: defineExporter({ ...exporter, summary: "todo", create: () => nothing }),
  },
  "hangs on after an abort": {
    law: "manners",
    seen: /export of traces does not heed its AbortSignal/,
    plugin: defineExporter({ ...exporter, create: () => ({ export: () => new Promise(() => {}) }) }),
  },
  "delivers to nobody": {
    law: "manners",
    seen: /resolves although nobody answered/,
    plugin: defineExporter({ ...sender, create: () => nothing }),
    config: atAddress,
  },
  "forgets what it saved": {
    law: "memory",
    seen: /metrics: finding 0 differs .* restored from what it saved/,
    plugin: counting(() => 0),
  },
  "finds by the dice": {
    law: "repeatability",
    seen: /metrics: finding 0 differs .* the second time/,
    // never twice the same in a row
    plugin: counting((saved) => saved + ++rolled * 7 + Math.floor(Math.random() * 7)),
  },
  "resolves what was never told to last": {
    law: "manners",
    seen: /metrics: it resolves what it has not told with untilResolved: bad, /,
    plugin: counting((saved) => saved, "resolved"),
  },
  "throws when stopped without a start": {
    law: "manners",
    seen: /^stop: the last one rejected/,
    plugin: defineReceiver({
      ...listener,
      signals: ["logs"],
      create(config) {
        const { start, stop } = served(config.address, false);
        let started = false;
        return {
          start: () => {
            started = true;
            return start();
          },
          async stop() {
            if (!started) throw new Error("never started");
            await stop();
          },
        };
      },
    }),
    config: atAddress,
  },
  "says nothing of a taken port": {
    law: "manners",
    seen: /taken port resolved/,
    plugin: defineExtension({ ...listener, create: (config) => served(config.address, true) }),
    config: atAddress,
  },
  "throws at an empty list": {
    law: "hostile values",
    seen: /0 anomalies: it throws/,
    plugin: defineProcessor({
      ...about,
      signals: ["anomalies"],
      config: z.object({}),
      create: () => ({
        process(anomalies) {
          if (anomalies[0].score >= 0) return anomalies;
          return undefined;
        },
      }),
    }),
  },
  "reads the labels of a row that is not there": {
    law: "hostile values",
    seen: /an empty request \(logs\): it throws/,
    plugin: defineProcessor({
      ...about,
      signals: ["logs"],
      config: z.object({}),
      create: () => ({
        process(batch) {
          if (batch.rows.length === 0) throw new RangeError("no first row");
          return batch;
        },
      }),
    }),
  },
  "passes on what is no list": {
    law: "hostile values",
    seen: /no list/,
    plugin: defineProcessor({
      ...about,
      signals: ["anomalies"],
      config: z.object({}),
      create: () => ({ process: (anomalies) => anomalies[0] as never }),
    }),
  },
  "throws at a batch without service": {
    law: "hostile values",
    seen: /\(traces\): it throws/,
    plugin: defineConnector({
      ...about,
      from: ["traces"],
      to: ["metrics"],
      config: z.object({}),
      create: () => ({
        consume(batch) {
          for (let row = 0; row < batch.rows.length; row++) {
            (batch.labels(row).resource["service.name"] as string).toUpperCase();
          }
        },
      }),
    }),
  },
  "feeds what is no OTLP": {
    law: "hostile values",
    seen: /what it feeds is no OTLP \(metrics\)/,
    plugin: defineConnector({
      ...about,
      from: ["traces"],
      to: ["metrics"],
      config: z.object({}),
      create: (_config, _host, emit) => ({
        consume() {},
        tick: () => void emit.metrics?.(Uint8Array.of(255)),
      }),
    }),
  },
  "feeds by chance": {
    law: "repeatability",
    seen: /something else the second time/,
    plugin: defineConnector({
      ...about,
      from: ["anomalies"],
      to: ["logs"],
      config: z.object({}),
      create: (_config, _host, emit) => ({
        consume: () => void emit.logs?.(Uint8Array.of(0x0a, 2, UNKNOWN_FIELD, fed++ % 128)),
      }),
    }),
  },
};
