// From rows to what people are told: the processors of anomalies one after another, whatever comes and however it is ordered.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import {
  type Anomaly,
  type AnomalyState,
  defineProcessor,
  isGraver,
  type ProcessorPlugin,
  type Severity,
  z,
} from "vedette";
import correlate from "../../plugins/processors/correlate/index.ts";
import episodes from "../../plugins/processors/episodes/index.ts";
import filter from "../../plugins/processors/filter/index.ts";
import inhibit from "../../plugins/processors/inhibit/index.ts";
import severity from "../../plugins/processors/severity/index.ts";
import { type AnomalyTimeline, about, anomalyTimeline, BEGINNING } from "../anomaly_timeline.ts";

type Step = readonly [ProcessorPlugin<any, "anomalies">, object?];

const CRON = { name: "backup", cron: "20 * * * *", duration: "10m", condition: 'service == "search"' };
const RULE = { source: 'severity == "critical"', target: 'severity == "info"', equal: ["service"] };
const steps = {
  episodes: [episodes],
  correlate: [correlate],
  severity: [severity, { rules: [{ condition: 'service == "mailer"', severity: "info" }] }],
  inhibit: [inhibit, { windows: [CRON], inhibit_rules: [RULE] }],
  filter: [filter, { anomalies: ['severity == "info" and duration < Duration("1m")'] }],
} satisfies Record<string, Step>;

/** As feedback does: holds back what is not past a line, and lets every end pass. */
const line = defineProcessor({
  type: "line",
  signals: ["anomalies"],
  stability: "beta",
  summary: "Holds back.",
  config: z.object({}),
  create: () => ({ process: (some) => some.filter(({ state, score }) => state === "resolved" || score >= 1.3) }),
});

const INTENDED = [steps.episodes, steps.correlate, steps.severity, steps.inhibit, steps.filter];
const ORDERS: Readonly<Record<string, readonly Step[]>> = {
  intended: INTENDED,
  "correlate, episodes": [steps.correlate, steps.episodes, steps.severity],
  "severity, episodes": [steps.severity, steps.episodes, steps.correlate],
  "filter, episodes": [steps.filter, steps.episodes, steps.correlate, steps.severity],
  "inhibit, episodes": [steps.inhibit, steps.episodes, steps.correlate, steps.severity],
  "episodes, severity, inhibit, filter": [steps.episodes, steps.severity, steps.inhibit, steps.filter],
  "feedback, episodes": [[line], ...INTENDED],
  "feedback, episodes alone": [[line], steps.episodes],
  "correlate without episodes": [steps.correlate, steps.severity, steps.inhibit, steps.filter],
  "no room": [
    [episodes, { max_episodes: 3 }],
    [correlate, { max_incidents: 2, max_members: 2, pass: "all" }],
    [severity, { max_open: 50 }],
    [inhibit, { max_open: 50 }],
    [filter, { max_open: 50 }],
  ],
};

const CALLS = [
  ["frontend", "payments"],
  ["payments", "payments-db"],
  ["frontend", "search"],
].map(([from, to]) => ({ from, to, rate: 1, failed: 0, latency: 10 }));

const RUNS = 60;

/** What detectors say: rows that repeat, rows that are told to last, what its finder ends, and news that are no fault. */
const SOURCES = ["frontend", "payments", "payments-db", "search", "mailer"].flatMap((service) => [
  about(service, "GET /pay", { detector: "span_duration", signal: "traces", type: "latency" }),
  about(service, "ERROR", { detector: "new_template", signal: "logs", type: "new_template" }),
  about(service, "", { detector: "absence", type: "absence", untilResolved: true }),
  about(service, "deployment", { detector: "deployment", type: "deployment" }),
]) as Anomaly[];

interface Row {
  readonly source: number;
  readonly score: number;
  /** Seconds by which its time is not now. */
  readonly late: number;
}
type Happening =
  | { readonly rows: readonly Row[] }
  | { readonly end: number }
  | { readonly lasts: number }
  | { readonly wait: number }
  | { readonly restart: number };

const row = fc.record({
  source: fc.nat(SOURCES.length - 1),
  score: fc.constantFrom(1, 1.1, 1.3, 1.9, 2, 3, 6, Number.POSITIVE_INFINITY),
  late: fc.constantFrom(0, 0, 0, 5, 90, 600, -30),
});
const happenings = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ rows: fc.array(row, { minLength: 1, maxLength: 5 }) }) },
    { weight: 2, arbitrary: fc.record({ end: fc.nat(SOURCES.length - 1) }) },
    { weight: 2, arbitrary: fc.record({ lasts: fc.nat(SOURCES.length - 1) }) },
    { weight: 4, arbitrary: fc.record({ wait: fc.constantFrom(1, 5, 11, 45, 130, 320) }) },
    { weight: 1, arbitrary: fc.record({ restart: fc.constantFrom(0, 3, 400, 2000) }) },
  ),
  { minLength: 1, maxLength: 30 },
);

const severityOf = (score: number): Severity => (score >= 2 ? "critical" : score >= 1.25 ? "warning" : "info");

/** What finders and detectors that feed the pipeline remember of what they told. */
class Sources {
  readonly #line: AnomalyTimeline;
  readonly #since = new Map<number, number>();

  constructor(line: AnomalyTimeline) {
    this.#line = line;
  }

  row({ source, score, late }: Row): Partial<Anomaly> {
    const own = SOURCES[source];
    const at = BEGINNING + (this.#line.now - late) * 1000;
    const time = own.untilResolved ? BEGINNING + this.#line.now * 1000 : at;
    const since = own.untilResolved ? (this.#since.get(source) ?? time) : time;
    if (own.untilResolved) this.#since.set(source, since);
    const id = `${own.fingerprint}-${since.toString(36)}`;
    return { ...own, id, time, score, rarity: 6 * score, severity: severityOf(score) };
  }

  end(source: number): Partial<Anomaly>[] {
    const since = this.#since.get(source);
    if (since === undefined) return [];
    this.#since.delete(source);
    const own = SOURCES[source];
    return [{ ...own, id: `${own.fingerprint}-${since.toString(36)}`, state: "resolved", score: 0, severity: "info" }];
  }
}

/** All that went on, and that something was left open or went wrong. `split` hands each row over alone. */
function played(order: readonly Step[], happening: readonly Happening[], { split = false } = {}): AnomalyTimeline {
  const line = anomalyTimeline(...order);
  for (const host of line.hosts) host.agent = { ...host.agent, calls: () => CALLS };
  const sources = new Sources(line);
  const raise = (rows: readonly Partial<Anomaly>[]) => {
    if (split) for (const each of rows) line.raise(each);
    else if (rows.length > 0) line.raise(...rows);
  };
  for (const each of happening) {
    if ("rows" in each) raise(each.rows.map((one) => sources.row(one)));
    else if ("end" in each) raise(sources.end(each.end));
    else if ("lasts" in each) line.lasts(SOURCES[each.lasts].fingerprint);
    else if ("wait" in each) line.tick(each.wait);
    else line.restart(each.restart);
  }
  for (const i of SOURCES.keys()) raise(sources.end(i));
  // past every silence, the longest usual gap among them
  for (let i = 0; i < 6; i++) {
    line.tick(12);
    line.now += 1500;
  }
  line.tick(12);
  return line;
}

const FOLLOWS: Readonly<Record<string, readonly AnomalyState[]>> = {
  "": ["open"],
  open: ["ongoing", "resolved"],
  ongoing: ["ongoing", "resolved"],
  resolved: ["open"],
};

/** Each id opens, goes on and is resolved; as grave as ever while it is open; and is the only one of its fingerprint. */
function assertWhole(told: readonly Anomaly[], crowded: boolean): void {
  const last = new Map<string, Anomaly>();
  const open = new Map<string, string>();
  for (const each of told) {
    const { id, state, fingerprint, severity } = each;
    const before = last.get(id);
    // what was given up for want of room is ended by its finder as well
    if (crowded && state === "resolved" && (before?.state ?? state) === state) continue;
    const where = `${each.type} ${id} at ${(each.time - BEGINNING) / 1000} s`;
    assert.ok(FOLLOWS[before?.state ?? ""].includes(state), `${state} after ${before?.state ?? "nothing"}: ${where}`);
    assert.ok(!each.incident?.members.some(({ type }) => type === "deployment"), `a deployment is no fault: ${where}`);
    if (state === "open") {
      assert.ok((open.get(fingerprint) ?? id) === id, `another one of its fingerprint is open: ${where}`);
      open.set(fingerprint, id);
    } else assert.ok(!before || !isGraver(before.severity, severity), `less grave: ${where}`);
    if (state === "resolved") open.delete(fingerprint);
    last.set(id, each);
  }
  assert.deepEqual([...open.values()], [], "is never resolved");
}

for (const [name, order] of Object.entries(ORDERS)) {
  test(`whatever comes is told from its beginning to its end: ${name}`, () => {
    const whole = fc.property(happenings, (happening) => {
      const line = played(order, happening);
      assertWhole(line.passed, name === "no room");
      assert.equal(line.errors, 0);
    });
    fc.assert(whole, { numRuns: RUNS });
  });
}

/** "state severity: sentence" of each id, in order. */
function stories(told: readonly Anomaly[]): Record<string, string[]> {
  const byId = Object.groupBy(told, ({ id }) => id);
  return Object.fromEntries(
    Object.entries(byId).map(([id, changes]) => [
      id,
      changes!.map(({ state, severity, reason }) => `${state} ${severity}: ${reason}`),
    ]),
  );
}

test("how anomalies are grouped in lists changes nothing of what is told", () => {
  // inhibit looks at a whole list for what is graver
  const apart = [steps.episodes, steps.severity, steps.filter];
  const same = (order: readonly Step[], happening: readonly Happening[]) => {
    const [whole, split] = [false, true].map((each) => stories(played(order, happening, { split: each }).passed));
    assert.deepEqual(split, whole);
  };
  const grouped = fc.property(happenings, (happening) => {
    same(apart, happening);
    // a critical one is told of what is known by then
    if (!happening.some((each) => "rows" in each && each.rows.some(({ score }) => score >= 2)))
      same(INTENDED, happening);
  });
  fc.assert(grouped, { numRuns: RUNS });
});

test("a restart between any two moments changes nothing of what is told", () => {
  const restarted = fc.property(happenings, fc.constantFrom(...Object.values(ORDERS)), (happening, order) => {
    const going = happening.filter((each) => !("restart" in each));
    const told = stories(played(order, going).passed);
    assert.deepEqual(
      stories(
        played(
          order,
          going.flatMap((each) => [each, { restart: 0 }]),
        ).passed,
      ),
      told,
    );
  });
  fc.assert(restarted, { numRuns: RUNS });
});

test("what is remembered is bounded, however many services and series there are", () => {
  const bound = 20;
  const line = anomalyTimeline(
    [episodes, { max_episodes: bound }],
    [correlate, { max_incidents: bound, max_members: 5 }],
    [severity, { max_open: bound }],
    [inhibit, { max_open: bound, windows: [{ name: "all", cron: "* * * * *", duration: "1h" }] }],
    [filter, { max_open: bound }],
  );
  const storm = (from: number) => {
    for (let i = from; i < from + 400; i++) {
      line.raise(about(`service-${i % 300}`, `latency ${i}`, { severity: i % 7 === 0 ? "critical" : "warning" }));
      if (i % 10 === 0) line.tick();
    }
    return line.saved().reduce((sum, bytes) => sum + bytes.length, 0);
  };
  const first = storm(1000);
  assert.ok(storm(5000) < 1.2 * first);
  assert.equal(line.errors, 0);
});
