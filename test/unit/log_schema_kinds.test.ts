// How schema_drift keeps count of what it watches: kinds of rows come, are forgotten and make room.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import type { LogRecordReader } from "../../plugins/processors/schema_drift/record.ts";
import { Watched } from "../../plugins/processors/schema_drift/watched.ts";
import { type Batch, type Detection, Statements, type Templates } from "../../src/api/index.ts";
import { BEGINNING } from "../timeline.ts";
import { fakeHostNamed } from "../wired.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Ids of series: two severities of two services, and one that is not watched. */
const SERIES = 5;
const DENIED = 4;

const detection = { allows: ({ name }: { name: string }) => name !== "DENIED" } as unknown as Detection;
/** Templates 1 and 2 say the same beside other fields. */
const reader = {
  messageOf: (_: unknown, __: unknown, { template }: { template: Uint32Array }) =>
    template[0] < 3 ? "message 1" : undefined,
} as unknown as LogRecordReader;

function watch(most: number) {
  const host = fakeHostNamed("schema_drift");
  const gone: string[] = [];
  const watched = new Watched(most, host, detection, reader, (kind) => void gone.push(kind.name));
  let templates = {} as Templates;
  let statements = new Statements();
  let shift = 0;
  return {
    watched,
    /** The id is another series'. */
    forget(series: number) {
      watched.forget(series);
      statements.forget(series);
    },
    gone,
    /** A row, and that it is looked at. */
    row(series: number, template: number, now = BEGINNING) {
      const numbering = statements.begin();
      const statement = template > 0 ? statements.of(series, template) : 0;
      const columns = { template: Uint32Array.of(template), statement: Uint32Array.of(statement) };
      const mined = { templates, numbering, ...columns };
      const labels = {
        resource: { "service.name": `s${series >> 1}` },
        name: series === DENIED ? "DENIED" : series & 1 ? "ERROR" : "INFO",
        statistic: "",
        template: template > 0 ? "x" : undefined,
      };
      const batch = { signal: "logs", mined, receivedAt: now, labels: () => labels } as unknown as Batch;
      watched.begin(batch.mined);
      const slot = watched.slotOf(batch, 0, series, statement);
      if (slot >= 0) watched.sampler.samples(slot, now, 1000, () => 0);
      return slot < 0 ? undefined : watched.kindAt(slot);
    },
    /** A new miner: its numbers are others. */
    renew() {
      const by = ++shift;
      statements = new Statements();
      templates = { id: (n: number) => `id ${(n + by) % 7}` } as Templates;
    },
  };
}

const kindsOf = ({ services }: Watched) => [...services.values()].flatMap(({ kinds }) => [...kinds.values()]);

test("kinds are counted as they come and go, whatever the order", () => {
  const row = fc.record({ series: fc.nat(SERIES - 1), template: fc.nat(6), later: fc.constantFrom(0, HOUR, 2 * DAY) });
  const step = fc.oneof(row, fc.record({ forget: fc.nat(SERIES - 1) }), fc.constant("renew" as const));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 12 }), (steps, most) => {
      const { watched, row, forget, renew } = watch(most);
      renew();
      let now = BEGINNING;
      for (const each of steps) {
        if (each === "renew") renew();
        else if ("forget" in each) forget(each.forget);
        else {
          now += each.later;
          const kind = row(each.series, each.template, now);
          if (!kind && each.series !== DENIED) assert.equal(watched.known, most);
          if (kind) assert.ok(kindsOf(watched).includes(kind) && kind.series > 0);
        }
        const kinds = kindsOf(watched);
        assert.equal(watched.known, kinds.length);
        assert.ok(kinds.length <= most);
        assert.equal(new Set(kinds.map(({ slot }) => slot)).size, kinds.length, "a slot each");
        for (const service of watched.services.values()) {
          assert.ok(service.kinds.size > 0);
          for (const kind of service.templates.values()) assert.equal(service.kinds.get(kind.key), kind);
        }
      }
      for (let series = 0; series < SERIES; series++) watched.forget(series);
      assert.ok(kindsOf(watched).every(({ series }) => series === 0));
    }),
  );
});

test("templates that differ by the fields beside a message are one kind, also with another severity", () => {
  const { row, renew, watched } = watch(10);
  renew();
  assert.equal(row(0, 1), row(0, 2));
  assert.equal(row(0, 1), row(1, 2));
  assert.notEqual(row(0, 1), row(0, 3));
  assert.notEqual(row(0, 1), row(2, 1), "of another service");
  assert.equal(watched.known, 3);
});

test("when there is no room, what was not there for a day makes some", () => {
  const { row, renew, watched } = watch(2);
  renew();
  row(0, 1);
  row(0, 3);
  watched.forget(0);
  assert.equal(watched.known, 0);
  row(0, 1);
  row(0, 3);
  renew();
  assert.equal(row(2, 5, BEGINNING + HOUR), undefined);
  assert.ok(row(0, 2, BEGINNING + 2 * DAY));
  assert.ok(row(2, 6, BEGINNING + 2 * DAY));
});
