// What feedback teaches, as a function of it: each rule by example, and what must hold whatever was said.
import assert from "node:assert/strict";
import test from "node:test";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { effectsOf, type Lesson, type Subject } from "../../../plugins/extensions/anomaly_store/effects.ts";
import { EffectIndex, type EffectSubject, type Feedback } from "../../../src/api/index.ts";

const DAY = 86_400_000;
const T = Date.UTC(2026, 10, 23);

type Odd = Subject & Omit<EffectSubject, "deviation" | "bands"> & { readonly direction: "above" | "below" };

const odd = (changes: Partial<Odd> = {}): Odd => ({
  fingerprint: "a",
  detector: "auto",
  type: "spike",
  service: "checkout",
  name: "queue.depth",
  direction: "above",
  peak: 2,
  ...changes,
});

let last = 0;
/** Said `day` days after the beginning, for 30 days. */
function said(opinion: Feedback["opinion"], day: number, ...subjects: Subject[]): Lesson {
  const at = T + day * DAY;
  const id = `f${++last}`;
  return { feedback: { id, about: id, opinion, note: "", by: "test", at, until: at + 30 * DAY }, subjects };
}

/** The score with which it goes on, 0 when it is held back. */
function passed(
  lessons: readonly Lesson[],
  subject: Omit<EffectSubject, "deviation" | "bands">,
  score: number,
  deviation = Number.NaN,
): number {
  const effect = new EffectIndex(effectsOf(lessons, 2)).strongest({ ...subject, deviation, bands: Number.NaN }, score);
  const next = effect ? score * effect.factor : score;
  return next >= 1 ? next : 0;
}

test("called nothing: the same and what is somewhat larger is held back, what is clearly larger passes as it is", () => {
  const lessons = [said("bad", 0, odd({ peak: 3 }))];
  assert.deepEqual(
    [1, 3, 5.9, 6.1, 40].map((score) => passed(lessons, odd(), score)),
    [0, 0, 0, 6.1, 40],
  );
  assert.deepEqual(
    effectsOf(lessons, 2).map(({ says }) => says),
    [
      "spike of queue.depth on checkout (auto), called nothing at a score of 3, is told again beyond a score of 6, until 2026-12-23",
    ],
  );
});

test("called nothing says nothing of the other side, of another series, of another service", () => {
  const lessons = [said("bad", 0, odd({ peak: 3 }))];
  for (const other of [{ direction: "below" }, { fingerprint: "b" }, { fingerprint: "c", service: "cart" }] as const) {
    assert.equal(passed(lessons, odd(other), 1.5), 1.5);
  }
});

test("what lies clearly farther off passes, whatever its score, which hardly says how large something is", () => {
  const lessons = [said("bad", 0, { ...odd({ peak: 1.25 }), deviation: 50 })];
  const at = (all: readonly Lesson[], ...deviations: number[]) =>
    deviations.map((each) => passed(all, odd(), 1.25, each));
  assert.deepEqual(at(lessons, 10, 99, 101, 5000, Number.NaN), [0, 0, 1.25, 1.25, 0]);
  assert.match(
    effectsOf(lessons, 2)[0].says,
    /called nothing at a score of 1.25 and 50 off, is told again beyond a score of 2.5, or 100 off, until/,
  );
  const real = [...lessons, said("good", -1, { ...odd({ peak: 1.25 }), deviation: 70 })];
  assert.deepEqual(at(real, 55, 65), [0, 1.25 * 1.25]);
});

test("scores of fixed limits, which are all the same, say nothing of their kind", () => {
  const kind = [1, 2, 3].map((i) => said("bad", i, { ...odd({ fingerprint: `${i}`, name: `${i}` }), fixed: true }));
  assert.equal(passed(kind, odd({ fingerprint: "new", name: "new" }), 2), 2);
});

test("called nothing again, at a higher score: the highest counts", () => {
  const lessons = [
    said("bad", 0, odd({ peak: 3 })),
    said("bad", 1, odd({ peak: 7 })),
    said("bad", 2, odd({ peak: 1 })),
  ];
  assert.deepEqual(
    [13, 15].map((score) => passed(lessons, odd(), score)),
    [0, 15],
  );
  assert.match(
    effectsOf(lessons, 2)[0].says,
    /called nothing 3 times at a score of 7, is told again beyond a score of 14/,
  );
});

test("the latest word counts, but what was confirmed is never held back by what was smaller", () => {
  const bad = (day: number, peak: number) => said("bad", day, odd({ peak }));
  const good = (day: number, peak: number) => said("good", day, odd({ peak }));
  assert.equal(passed([bad(0, 3), good(1, 2)], odd(), 2), 2.5);
  assert.equal(passed([good(0, 2), bad(1, 3)], odd(), 2), 0);
  assert.deepEqual([2.9, 3, 4].map((score) => passed([good(0, 4), bad(1, 2)], odd(), score)).map(Boolean), [
    false,
    false,
    true,
  ]);
});

test("confirmed sharpens, up to a limit", () => {
  const lessons = [0, 1, 2, 3].map((day) => said("good", day, odd()));
  assert.equal(passed(lessons.slice(0, 1), odd(), 2), 2.5);
  assert.equal(passed(lessons, odd(), 2), 3);
});

test("three of a kind, called nothing one by one, hold back their kind on that service; a third of them decides", () => {
  const kind = [2, 3, 9].map((peak, i) => said("bad", i, odd({ fingerprint: `${i}`, name: `metric ${i}`, peak })));
  const other = odd({ fingerprint: "new", name: "another metric" });
  assert.deepEqual(
    [1.9, 2.1].map((score) => passed(kind, other, score)),
    [0, 2.1],
  );
  assert.equal(passed(kind, { ...other, service: "cart" }, 2), 2);
  assert.equal(passed(kind, { ...other, type: "drop" }, 2), 2);
  assert.equal(passed(kind.slice(1), other, 2), 2, "two are too few");
  const { feedback } = kind[0];
  const once: Lesson = { feedback, subjects: kind.flatMap(({ subjects }) => subjects) };
  assert.equal(passed([once], other, 2), 2, "one incident is one word, however much is in it");
  assert.equal(passed([...kind, said("good", 5, other)], other, 2), 2.5, "but not what was confirmed");
});

test("the same thing called nothing on three services holds back look-alikes on all", () => {
  const services = ["a", "b", "c"].map((service, i) => said("bad", i, odd({ fingerprint: service, service, peak: 3 })));
  const alike = odd({ fingerprint: "d", service: "d" });
  assert.equal(passed(services, alike, 2.9), 0);
  assert.equal(passed(services, { ...alike, name: "another" }, 2.9), 2.9);
  assert.equal(passed(services, { ...alike, direction: "below" }, 2.9), 2.9);
  const [effect] = effectsOf(services, 2).filter(({ scope }) => scope === "look_alike");
  assert.equal(effect.until, T + 30 * DAY, "until fewer than three are left");
});

test("look-alikes are held back within what half of them were: in score, in distance and in usual ranges at once", () => {
  const sizes = [
    { peak: 2, deviation: 40, bands: 4 },
    { peak: 3, deviation: 30, bands: 3 },
    { peak: 4, deviation: 20, bands: 2 },
    { peak: 5, deviation: 10, bands: 1 },
  ];
  const called = (units: readonly string[]) =>
    sizes.map((size, i) =>
      said("bad", i, { ...odd({ fingerprint: `${i}`, service: `${i}` }), ...size, unit: units[i % units.length] }),
    );
  const limits = (lessons: readonly Lesson[]) => {
    const [{ upTo, reach, bands, says }] = effectsOf(lessons, 2).filter(({ scope }) => scope === "look_alike");
    return { upTo, reach, bands, says: /needs more than (.*) on every service/.exec(says)?.[1] };
  };
  assert.deepEqual(limits(called(["ms"])), {
    upTo: 4,
    reach: 30,
    bands: 3,
    says: "a score of 4, or 30 ms off, or 3 times its usual range",
  });
  const other = odd({ fingerprint: "new", service: "new" });
  assert.deepEqual(
    [29, 31].map((deviation) => passed(called(["ms"]), other, 3, deviation)),
    [0, 3],
  );
  assert.deepEqual(limits(called(["ms", "s"])).reach, undefined, "units that differ cannot be compared");
});

test("expected: all that is in the incident, until then, but for what is far larger", () => {
  const lessons = [said("expected", 0, odd({ peak: 2 }), odd({ fingerprint: "b", peak: 1 }))];
  assert.deepEqual(
    [7.9, 8.1].map((score) => passed(lessons, odd(), score)),
    [0, 8.1],
  );
  assert.equal(passed(lessons, odd({ fingerprint: "b" }), 3.9), 0);
  const silenced = [said("expected", 0, { service: "checkout", type: "spike", peak: 2 })];
  assert.equal(passed(silenced, odd({ fingerprint: "anything" }), 5), 0);
  assert.equal(passed(silenced, odd({ service: "cart" }), 5), 5);
});

const subjects = fc.record({
  fingerprint: fc.constantFrom("a", "b", "c", "d"),
  detector: fc.constantFrom("auto", "ewma"),
  type: fc.constantFrom("spike", "drop"),
  service: fc.constantFrom("s", "t", "u", "v"),
  name: fc.constantFrom("m", "n"),
  direction: fc.constantFrom("above", "below"),
  peak: fc.oneof(fc.double({ min: 1, max: 100, noNaN: true }), fc.constant(Number.POSITIVE_INFINITY)),
}) as fc.Arbitrary<Odd>;

const lessonsOf = fc
  .array(
    fc.tuple(
      fc.constantFrom("good", "bad", "expected"),
      fc.nat(40),
      fc.array(subjects, { minLength: 1, maxLength: 4 }),
    ),
    { maxLength: 12 },
  )
  .map((list) => list.map(([opinion, day, subjects]) => said(opinion as "bad", day, ...subjects)));

test("whatever was said: no clearly larger score is changed, nothing is made smaller and told, each effect is explained", () => {
  fc.assert(
    fc.property(lessonsOf, subjects, fc.double({ min: 1, max: 1000, noNaN: true }), (lessons, subject, score) => {
      const effects = effectsOf(lessons, 2);
      const largest = Math.max(0, ...lessons.flatMap(({ subjects }) => subjects.map(({ peak }) => peak)));
      const next = passed(lessons, subject, score);
      if (score > 4 * largest) assert.ok(next >= score, `${score} became ${next}`);
      assert.ok(next === 0 || next >= score);
      assert.ok(next <= score * 1.5);
      for (const { feedback, says, until, factor, upTo } of effects) {
        assert.ok(feedback.length > 0 && /\d{4}-\d\d-\d\d/.test(says) && until > T && factor >= 0 && upTo >= 1, says);
        for (const id of feedback) assert.ok(lessons.some((lesson) => lesson.feedback.id === id));
      }
    }),
  );
});

test("the order in which feedback is read does not matter, and taking one piece back leaves what the others teach", () => {
  fc.assert(
    fc.property(lessonsOf, fc.nat(), (lessons, seed) => {
      const shuffled = lessons
        .map((lesson, i) => ({ lesson, key: (seed * (i + 7)) % 13 }))
        .sort((a, b) => a.key - b.key);
      assert.deepEqual(
        effectsOf(
          shuffled.map(({ lesson }) => lesson),
          2,
        ),
        effectsOf(lessons, 2),
      );
      const more = said("bad", 3, odd({ fingerprint: "x", service: "x" }));
      const without = effectsOf([...lessons, more], 2).filter(({ feedback }) => !feedback.includes(more.feedback.id));
      const before = effectsOf(lessons, 2);
      for (const effect of without) {
        assert.ok(
          before.some((each) => isDeepStrictEqual(each, effect)),
          effect.says,
        );
      }
    }),
  );
});
