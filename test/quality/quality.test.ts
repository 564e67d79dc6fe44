// What detectors find in generated telemetry with planted faults, and how often they cry wolf, does not get worse.
import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { eventScore } from "../../src/backtest/events.ts";
import type { JudgedSeries } from "../../src/backtest/series.ts";
import { Registry } from "../../src/registry.ts";
import { START } from "../../src/testing/fake_host.ts";
import { comparison, type Figures, readBaseline, writeBaseline, writes } from "./baseline.ts";
import { corpusOf } from "./corpus.ts";
import { FAULTS } from "./faults.ts";
import { SHAPES } from "./normal.ts";
import { SYSTEM_FAULTS, type SystemFaultType, systemOf } from "./system.ts";
import { foundIn } from "./system_trial.ts";
import { type AnyDetector, scored } from "./trial.ts";

const DETECTORS = ["auto", "ewma", "mad", "seasonal", "holt_winters", "novelty", "cusum", "page_hinkley"];
/** By what finds it. */
const SYSTEM: Readonly<Record<string, SystemFaultType>> = {
  absence: "absence",
  schema_drift: "missing_field",
  half_space_trees: "outlier",
};

const SERIES_FILE = "baseline.md";
const SYSTEM_FILE = "baseline_system.md";
const REMEDY = "VEDETTE_BASELINE=write node --test test/quality/quality.test.ts";

const SERIES_HEAD = `# What is found in generated series

Counts by detector with its default options, on the series of \`normal.ts\` with the faults of \`faults.ts\`: 8 days at 5 minutes. "found" are faults in
which there was an alarm, sizes are in standard deviations of the noise; "beside" are alarms in those series elsewhere; "normal" are false alarms in three
series without a fault. \`quality.test.ts\` fails when a count gets worse. For a change that is meant, this writes the table anew:

    ${REMEDY}
`;

const SYSTEM_HEAD = `# What is found in a generated system

As in baseline.md, on the services of \`system.ts\`: two days of minutes. Sizes are minutes without a sign of life or without an attribute; of outliers,
how far metrics that belong together come apart while each is as usual by itself: 0.5 is unrelated, 1 the reverse. "beside" are all other alarms.
`;

function seriesFigures(judged: readonly JudgedSeries[]): Map<string, number> {
  const figures = new Map<string, number>();
  const those = (wanted: (i: number) => boolean) => judged.filter((_, i) => wanted(i));
  for (const fault of FAULTS) {
    for (const size of fault.sizes) {
      const { found, events, false_alarms } = eventScore(
        those((i) => corpus.series[i].fault === fault && corpus.series[i].size === size),
      );
      figures.set(`found: ${fault.type} of ${size}, of ${events}`, found);
      figures.set(`beside: ${fault.type} of ${size}`, false_alarms);
    }
  }
  for (const shape of SHAPES) {
    const { false_alarms } = eventScore(those((i) => corpus.series[i].shape === shape && !corpus.series[i].fault));
    figures.set(`normal: ${shape.name}`, false_alarms);
  }
  return figures;
}

/** Minutes after a fault in which it may still be told: of vectors, which span an interval, and of what was silent. */
const LATE = 5;

async function systemFigures(detector: string, fault: SystemFaultType): Promise<Map<string, number>> {
  const anomalies = await foundIn(system, { [detector]: {} });
  const told = anomalies.map(({ labels, time }) => ({
    name: labels.resource["service.name"],
    at: (time - START) / system.step,
  }));
  const figures = new Map<string, number>();
  const hits = new Set<(typeof told)[number]>();
  for (const size of SYSTEM_FAULTS[fault]) {
    const services = system.services.filter((service) => service.fault === fault && service.size === size);
    const found = services.filter(({ name, from, to }) => {
      const own = told.filter((each) => each.name === name && each.at >= from && each.at < to + LATE);
      for (const each of own) hits.add(each);
      return own.length > 0;
    });
    figures.set(`found: ${fault} of ${size}, of ${services.length}`, found.length);
  }
  return figures.set("beside", told.length - hits.size);
}

const corpus = corpusOf(SHAPES, { days: 8, step: 300_000, normal: 3, faulty: 2 });
const system = systemOf(2);
const registry = await Registry.all();

function compare(t: TestContext, detector: string, figures: ReadonlyMap<string, number>, kept: Figures): void {
  const { worse, better } = comparison(detector, figures, kept.get(detector) ?? new Map());
  assert.deepEqual(worse, [], `worse than the table; where that is meant: ${REMEDY}`);
  if (better > 0) t.diagnostic(`${better} figures are better than the table: write it anew to keep them`);
}

const nothing: Figures = new Map();
const keptSeries = writes ? nothing : readBaseline(SERIES_FILE);
const keptSystem = writes ? nothing : readBaseline(SYSTEM_FILE);
const nowSeries = new Map<string, Map<string, number>>();
const nowSystem = new Map<string, Map<string, number>>();

for (const detector of DETECTORS) {
  test(`${detector} finds as much in generated series as it did, with no more false alarms`, (t) => {
    const figures = seriesFigures(scored(registry.get("processors", detector) as AnyDetector, corpus));
    nowSeries.set(detector, figures);
    if (!writes) compare(t, detector, figures, keptSeries);
  });
}

for (const [detector, fault] of Object.entries(SYSTEM)) {
  test(`${detector} finds as much in a generated system as it did, with no more false alarms`, async (t) => {
    const figures = await systemFigures(detector, fault);
    nowSystem.set(detector, figures);
    if (!writes) compare(t, detector, figures, keptSystem);
  });
}

if (writes) {
  test.after(() => {
    writeBaseline(SERIES_FILE, SERIES_HEAD, nowSeries);
    writeBaseline(SYSTEM_FILE, SYSTEM_HEAD, nowSystem);
  });
}
