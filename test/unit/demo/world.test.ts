// The made-up shop of `vedette demo`: its days, its chance, and what each of its faults does to which service.
import assert from "node:assert/strict";
import test, { describe } from "node:test";
import fc from "fast-check";
import type { Call } from "../../../src/demo/call.ts";
import { FAULTS, type Fault, plan } from "../../../src/demo/faults.ts";
import { season } from "../../../src/demo/season.ts";
import { PROCESSES } from "../../../src/demo/shop.ts";
import { World } from "../../../src/demo/world.ts";

const START = Date.UTC(2026, 0, 5, 9);
const MINUTE = 60_000;

/** What happened in some minutes, with one fault from beginning to end or none. */
function lived({ seed = 1, fault, minutes = 3 }: { seed?: number; fault?: Fault; minutes?: number }) {
  const faults = fault ? [{ fault, from: START, to: START + minutes * MINUTE }] : [];
  const world = new World({ seed, speed: 1, faults: () => faults });
  const traces: Call[] = [];
  for (let time = START; time < START + minutes * MINUTE; time += 5000) traces.push(...world.traces(time, time + 5000));
  const usage = world.usage(START + minutes * MINUTE - 1);
  const calls = traces.flatMap(within);
  return { traces, calls, usage, lines: calls.flatMap(({ lines }) => lines) };
}

const within = (call: Call): Call[] => [call, ...call.children.flatMap(within)];
const asked = (call: Call) => `${call.process.service} ${call.name}`;

test("the same seed makes the same world, and another one another", () => {
  assert.deepEqual(lived({ seed: 7 }), lived({ seed: 7 }));
  assert.notDeepEqual(lived({ seed: 7 }), lived({ seed: 8 }));
});

test("every service has something to say in metrics, traces and logs", () => {
  const { calls, usage } = lived({});
  for (const { service, instance } of PROCESSES) {
    assert.ok(
      usage.some(({ process }) => process.instance === instance),
      instance,
    );
    assert.ok(
      calls.some(({ process, lines }) => process.service === service && lines.length > 0),
      service,
    );
  }
});

test("customers come and go with the time of day, and a day at speed 2 is half as long", () => {
  const hours = Array.from({ length: 24 }, (_, hour) => START + hour * 10 * MINUTE);
  const levels = hours.map((time) => season(time, 1));
  assert.ok(Math.max(...levels) > 1.6 * Math.min(...levels));
  assert.ok(levels.every((level) => level > 0.3 && level <= 1));
  for (const time of hours) assert.equal(season(time, 2), season(2 * time, 1));
});

test("what is called lies within the call, unless nobody waits for it", () => {
  const nested = (call: Call): boolean =>
    call.end > call.start &&
    call.children.every(
      (child) => child.start >= call.start && (call.kind === "producer" || child.end <= call.end) && nested(child),
    );
  fc.assert(
    fc.property(fc.nat(), fc.constantFrom(undefined, ...FAULTS), (seed, fault) =>
      lived({ seed, fault, minutes: 0.5 }).traces.every(nested),
    ),
    { numRuns: 40 },
  );
});

describe("a fault is where it says", () => {
  const well = lived({});
  for (const fault of FAULTS) {
    const { name, service, slows, fails, hangs, leaks, stops, writes } = fault;
    test(`${name} in ${service}`, () => {
      const ill = lived({ fault });
      const of = ({ calls }: typeof ill, operation: string) =>
        calls.filter((call) => asked(call) === operation && call.kind !== "client");
      if (slows) assert.ok(median(of(ill, slows.operation)) > 3 * median(of(well, slows.operation)));
      for (const failing of [fails, hangs]) {
        if (!failing) continue;
        const failed = of(ill, failing.operation).filter(({ failure }) => failure === failing.error);
        const share = failed.length / of(ill, failing.operation).length;
        assert.ok(Math.abs(share - failing.share) < 0.15, `${share}`);
        assert.ok(failed.every(({ lines }) => lines.at(-1)!.severity === "ERROR"));
        assert.ok(of(well, failing.operation).every(({ failure }) => failure !== failing.error));
      }
      if (hangs) assert.ok(of(ill, hangs.operation).length > 1.5 * of(well, hangs.operation).length, "no retries");
      if (leaks) {
        const memory = ({ usage }: typeof ill) =>
          usage.find(({ process }) => process.instance === leaks.instance)!.memory;
        assert.ok(memory(ill) > memory(well) + leaks.bytes * 170);
      }
      if (stops) {
        assert.ok(!ill.calls.some(({ process }) => process.instance === stops));
        assert.ok(!ill.usage.some(({ process }) => process.instance === stops));
        assert.ok(well.calls.some(({ process }) => process.instance === stops));
      }
      if (writes) {
        const errors = (all: typeof ill) => all.lines.filter(({ severity }) => severity === "ERROR").length;
        assert.equal(errors(well), 0);
        assert.ok(errors(ill) > 50);
      }
      const places = [slows, fails, hangs, writes].flatMap((what) => what?.operation ?? []);
      for (const place of [...places, leaks?.instance, stops])
        assert.ok(place === undefined || place.startsWith(service));
    });
  }
});

test("faults come one after another, each name once a round, and sooner at a higher speed", () => {
  const hour = plan(FAULTS, 1, START, START + 60 * MINUTE);
  const names = [...new Set(FAULTS.map(({ name }) => name))];
  assert.deepEqual(
    hour.slice(0, 2 * names.length).map(({ fault }) => fault.name),
    [...names, ...names],
  );
  assert.ok(hour.every(({ from }, i) => i === 0 || from > hour[i - 1].to));
  assert.ok(plan(FAULTS, 4, START, START + 60 * MINUTE).length > hour.length);
  assert.deepEqual(plan([], 1, START, START + MINUTE), []);
});

function median(calls: readonly Call[]): number {
  // what a call took itself: what its children did not
  const own = calls.map(
    ({ start, end, children }) => end - start - children.reduce((sum, c) => sum + c.end - c.start, 0),
  );
  return own.sort((a, b) => a - b)[own.length >> 1];
}
