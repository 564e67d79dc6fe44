// Foreign text in what is sent to people.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { factsOf, rfc3339, shortText } from "vedette/http";
import { strangeAnomalies } from "../../../src/testing/hostile.ts";

test("any text becomes well-formed, of one line, and as short as is asked for", () => {
  const texts = fc.string({ unit: "binary", maxLength: 60 });
  fc.assert(
    fc.property(texts, fc.integer({ min: 1, max: 40 }), (text, most) => {
      const short = shortText(text, most);
      assert.ok(short.length <= most && short.isWellFormed());
      assert.doesNotMatch(short, /[\x00-\x1f\x7f-\x9f\u2028\u2029]/);
      if (text.length > most) assert.ok(short.endsWith("…"));
      assert.equal(shortText(short, most), short, "what is short stays");
    }),
  );
});

test("a character that is two units is not cut in half", () => {
  assert.equal(shortText("ab😀cd", 4), "ab…");
  assert.equal(shortText("ab😀cd", 5), "ab😀…");
  assert.equal(shortText("ab😀", 4), "ab😀");
});

test("line ends stay where they may", () => {
  assert.equal(shortText("a\nb\tc\rd", 10, true), "a\nb\tc d");
  assert.equal(shortText("a\nb", 10), "a b");
});

test("times that are none are still written as times", () => {
  assert.equal(rfc3339(Number.NaN), "1970-01-01T00:00:00.000Z");
  assert.equal(rfc3339(-1), "1970-01-01T00:00:00.000Z");
  assert.equal(rfc3339(Number.POSITIVE_INFINITY), "9999-12-31T00:00:00.000Z");
});

test("facts are texts, none of them empty, whatever the anomaly is", () => {
  for (const anomaly of strangeAnomalies()) {
    for (const text of Object.values(factsOf(anomaly))) assert.match(text, /^.{1,500}$/);
  }
});
