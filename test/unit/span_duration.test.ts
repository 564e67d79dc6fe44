// What is slow, what is over too soon, what only calls what is slow, and how it is said.
import assert from "node:assert/strict";
import test from "node:test";
import plugin from "../../plugins/processors/span_duration/index.ts";
import { STATE } from "../../plugins/processors/span_duration/memory.ts";
import { words } from "../../plugins/processors/span_duration/words.ts";
import { SeriesState } from "../../src/series/state.ts";
import { seededRandom } from "../../src/testing/fake_host.ts";
import { gaussian } from "../../src/testing/stream.ts";
import { optionsOf } from "../wired.ts";

interface Verdict {
  readonly score: number;
  readonly observed: number;
  readonly lower: number;
  readonly upper: number;
  readonly since: number;
  readonly rows: number;
  readonly lasts: number;
}
interface Span {
  readonly duration: number;
  readonly self?: number | undefined;
  readonly failed?: boolean;
  readonly inherited?: boolean;
  /** Milliseconds by which its clock is off. */
  readonly off?: number;
}

/** One operation that is shown a span after the other, a second apart. */
function operation(options: object = {}, step = 1000) {
  const state = new SeriesState(STATE);
  state.grow(1);
  const config = optionsOf(plugin, options);
  const f64 = () => new Float64Array(1).fill(Number.NaN);
  let time = 1.7e12;
  const age = new Uint32Array(1);
  const show = ({ duration, self = duration, failed = false, inherited = false, off = 0 }: Span): Verdict => {
    const verdicts = {
      score: f64(),
      observed: f64(),
      expected: f64(),
      lower: f64(),
      upper: f64(),
      since: f64(),
      rows: f64(),
      lasts: new Uint8Array(1),
    };
    time += step;
    const columns = { time: [time + off], duration: [duration], self: [self] };
    const rows = Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, Float64Array.from(values)]));
    const series = new Uint32Array(1);
    const flags = { failed: Uint8Array.of(failed ? 1 : 0), inherited: Uint8Array.of(inherited ? 1 : 0) };
    const all = { length: 1, series, age, ...flags, ...rows };
    plugin.scoreThenLearn(all as never, state.columns as never, verdicts as never, config as never);
    age[0]++;
    const [score, observed, lower, upper, since, many] = ["score", "observed", "lower", "upper", "since", "rows"].map(
      (name) => verdicts[name as keyof typeof verdicts][0],
    );
    return { score, observed, lower, upper, since, rows: many, lasts: verdicts.lasts[0] };
  };
  const each = (count: number, span: () => Span): Verdict[] => Array.from({ length: count }, () => show(span()));
  return { show, each, now: () => time };
}

type Draw = (random: () => number) => number;
const lognormal: Draw = (random) => 20 * Math.exp(0.3 * gaussian(random));
const SHAPES: Readonly<Record<string, Draw>> = {
  "log-normal": lognormal,
  "wide log-normal": (random) => 20 * Math.exp(gaussian(random)),
  "with a heavy tail": (random) => lognormal(random) * (random() < 0.05 ? (1 - random()) ** (-1 / 1.5) : 1),
  "hits and misses of a cache": (random) => (random() < 0.9 ? 1 : 100) * Math.exp(0.3 * gaussian(random)),
};

for (const [name, draw] of Object.entries(SHAPES)) {
  test(`durations ${name}: 99.9 % take less than is said, and rarities are no more frequent than they say`, () => {
    const random = seededRandom(5);
    const { each } = operation();
    each(5000, () => ({ duration: draw(random) }));
    const after = each(60_000, () => ({ duration: draw(random) }));
    const beyond = after.filter(({ observed, upper }) => observed > upper).length / after.length;
    assert.ok(beyond > 0.0003 && beyond < 0.003, `${beyond} take more`);
    for (const rarity of [3, 4, 5]) {
      const often = after.filter(({ score }) => score >= rarity).length;
      assert.ok(often <= 3 + 3 * after.length * 10 ** -rarity, `${often} of rarity ${rarity}`);
    }
  });
}

const told = (verdicts: readonly Verdict[], line = 5.5) => verdicts.filter(({ score }) => score >= line);

test("an incident is told when it begins and when it gets far worse, not with each span; who counts false alarms hears each", () => {
  const random = seededRandom(2);
  const slow = () => ({ duration: 5 * lognormal(random) });
  const [fixed, budgeted] = [{}, { alert_budget: "5/day" }].map((options) => {
    const shop = operation(options);
    shop.each(2000, () => ({ duration: lognormal(random) }));
    const slowed = shop.each(300, slow);
    const going = slowed.filter(({ lasts }) => lasts === 1).length;
    assert.ok("alert_budget" in options ? going === 0 : going > 200, `${going} say that it goes on`);
    const after = shop.each(300, () => ({ duration: lognormal(random) }));
    assert.ok(after.slice(10).every(({ lasts }) => lasts === 0));
    return told(slowed);
  });
  assert.ok(fixed.length >= 1 && fixed.length <= 4, `${fixed.length} told`);
  assert.ok(budgeted.length > 200, "the line of a budget tells an incident once by itself");
});

test("an excursion says since when it lasts and how many spans it has been", () => {
  const random = seededRandom(3);
  const { each, now } = operation({ alert_budget: "5/day" });
  each(2000, () => ({ duration: lognormal(random) }));
  const began = now();
  const last = told(each(100, () => ({ duration: 4 * lognormal(random) }))).at(-1)!;
  assert.ok(Math.abs(last.since - began) < 15_000, `${(last.since - began) / 1000} s off`);
  assert.ok(last.rows > 80 && last.rows < 115, `${last.rows} spans`);
});

test("what lasts for an hour is how things are; that it ends is no news", () => {
  const random = seededRandom(4);
  const { each } = operation();
  each(2000, () => ({ duration: lognormal(random) }));
  assert.ok(told(each(3700, () => ({ duration: 4 * lognormal(random) }))).length > 0);
  assert.deepEqual(told(each(2000, () => ({ duration: 4 * lognormal(random) }))), []);
  assert.deepEqual(told(each(2000, () => ({ duration: lognormal(random) }))), []);
});

test("a deviation that the user does not care for is not what an incident was told by", () => {
  const random = seededRandom(13);
  const { each } = operation({ min_dev_from_expected: 200 });
  each(2000, () => ({ duration: lognormal(random) }));
  each(30, () => ({ duration: 60 + lognormal(random) }));
  const large = told(each(30, () => ({ duration: 300 + lognormal(random) })));
  assert.ok(large.some(({ observed }) => observed > 220));
});

test("an incident that begins before its operation may be told of is told afterwards", () => {
  const random = seededRandom(14);
  const { each } = operation({ warmup: 500 });
  each(490, () => ({ duration: lognormal(random) }));
  each(10, () => ({ duration: 30 * lognormal(random) }));
  assert.ok(told(each(20, () => ({ duration: 30 * lognormal(random) }))).length > 0);
});

test("what lasts an hour is usual, also when a span of another clock began it", () => {
  const random = seededRandom(16);
  const { each, show } = operation();
  each(2000, () => ({ duration: lognormal(random) }));
  show({ duration: 2000, off: 1e12 });
  each(3700, () => ({ duration: 4 * lognormal(random) }));
  const later = told(each(2000, () => ({ duration: 4 * lognormal(random) })));
  assert.deepEqual(later, []);
  assert.ok(told(each(30, () => ({ duration: 40 * lognormal(random) }))).length > 0, "and it is judged as before");
});

test("what is said early on has bounds", () => {
  for (let many = 2; many < 60; many++) {
    const first = operation({ warmup: 0 });
    first.each(many, () => ({ duration: 20 + (many % 7) }));
    const { score, upper } = first.show({ duration: 20_000 });
    assert.ok(!(score >= 1) || upper > 0, `after ${many} spans`);
  }
});

test("an operation called once a minute is told slow after some ten spans that each might be chance", () => {
  const random = seededRandom(6);
  const { each } = operation({}, 60_000);
  each(1000, () => ({ duration: lognormal(random) }));
  assert.equal(told(each(15, () => ({ duration: 2.5 * lognormal(random) }))).length > 0, true);
});

const parent = (random: () => number, own = 1, children = 1): Span => {
  const self = 5 * own * Math.exp(0.4 * gaussian(random));
  return { self, duration: self + children * 295 * Math.exp(0.3 * gaussian(random)) };
};

/** What is told of 300 spans like this, after 2,000 ordinary ones. */
function toldOf(span: (random: () => number) => Span): Verdict[] {
  const random = seededRandom(7);
  const { each } = operation();
  each(2000, () => parent(random));
  return told(each(300, () => span(random)));
}

test("of a span with children only its own time counts: slow children, fast ones, and lost ones, are not its fault", () => {
  assert.deepEqual(
    toldOf((random) => parent(random, 1, 10)),
    [],
    "slow children",
  );
  assert.deepEqual(
    toldOf((random) => parent(random, 1, 0.1)),
    [],
    "fast children",
  );
  assert.deepEqual(
    toldOf((random) => ({ ...parent(random), self: undefined })),
    [],
    "lost children",
  );
  assert.ok(toldOf((random) => parent(random, 4)).length > 0, "slow itself, though that is a small part of it");
});

test("a span that is over without its children is too fast", () => {
  const [early] = toldOf(() => ({ duration: 5.1, self: 5 }));
  assert.equal(early.observed, 5.1);
});

test("a call whose far side has not come says nothing and teaches nothing", () => {
  const random = seededRandom(9);
  const [plain, mixed] = [operation(), operation()];
  for (let i = 0; i < 500; i++) {
    const duration = lognormal(random);
    assert.equal(mixed.show({ duration: 500, self: Number.NaN }).score, Number.NaN);
    plain.each(1, () => ({ duration: Number.NaN }));
    assert.deepEqual(mixed.show({ duration }), plain.show({ duration }));
  }
});

test("a failed span is told when it is slow itself; that it is over early, or waited since a call failed, is for others to say", () => {
  const random = seededRandom(11);
  const { each, show } = operation({ alert_budget: "5/day" });
  each(2000, () => parent(random));
  const failed = (span: Span, inherited = false) => show({ ...span, failed: true, inherited }).score;
  assert.equal(failed({ duration: 5.1, self: 5 }), Number.NaN, "without its children");
  assert.equal(failed({ duration: 6, self: 6 }), Number.NaN, "longer than usual itself, but over early");
  assert.equal(failed({ duration: 5000, self: 4700 }, true), Number.NaN, "waits for the next try");
  assert.ok(failed({ duration: 5000, self: 4700 }) > 4, "a timeout");
});

test("when all calls fail as fast as ever, nothing is slow, and what is usual stays so", () => {
  const random = seededRandom(12);
  const { each } = operation({ alert_budget: "5/day" }, 100);
  const wide = () => ({ duration: SHAPES["wide log-normal"](random) });
  each(5000, wide);
  const during = each(10_000, () => ({ ...wide(), failed: true }));
  const after = each(1000, wide);
  assert.deepEqual(told([...during, ...after]), []);
});

test("the sentence says what it took by itself and what others take", () => {
  const numbers = { observed: Number.NaN, expected: Number.NaN };
  const values = {
    service: "checkout",
    observed: "4.2 s",
    expected: "90 ms",
    lower: "20 ms",
    upper: "310 ms",
    numbers,
  };
  const said = (side: "above" | "below" | "within") => words("POST /pay", { ...values, side });
  assert.equal(said("above"), "POST /pay in checkout took 4.2 s of its own time; 99.9 % take less than 310 ms");
  assert.equal(said("below"), "POST /pay in checkout took only 4.2 s of its own time; 99.9 % take more than 20 ms");
  assert.equal(
    said("within"),
    "POST /pay in checkout took 4.2 s of its own time, as others of late; usually it is about 90 ms",
  );
  const nothing = { service: "", lower: "", upper: "", numbers };
  const early = { ...nothing, observed: "2 ms", expected: "90 ms", side: "within" } as const;
  assert.equal(words("POST /pay", early), "POST /pay was over in 2 ms; usually it takes about 90 ms");
});
