// What people on call rely on: one alarm for one cause of silence, none for what is no fault, and word when it is back.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import absence from "../../plugins/processors/absence/index.ts";
import { metricsOf, type Point, recordsOf, spansOf, type Timeline, timeline, type Values } from "../timeline.ts";

/** Sends every 15 s from `phase` on while `sends` says so. */
interface Sender {
  readonly resource: Values;
  readonly points: readonly Point[];
  readonly phase?: number;
  readonly every?: number;
  readonly sends?: (second: number) => boolean;
}

const MINUTE = 60;
const series = (count: number): Point[] =>
  Array.from({ length: count }, (_, i) => ({ name: `metric.${i % 5}`, attributes: { route: `/${i}` } }));
const instance = (service: string, id: string): Values => ({ "service.name": service, "service.instance.id": id });

/** Lets the senders send until `end`, in seconds. */
function play(line: Timeline, senders: readonly Sender[], end: number): void {
  while (line.now < end) {
    for (const { resource, points, phase = 0, every = 15, sends = () => true } of senders) {
      if (line.now % every === phase && sends(line.now)) line.send(metricsOf(resource, points, line.now));
    }
    line.tick();
  }
}

const out =
  (from: number, to = Number.POSITIVE_INFINITY) =>
  (second: number) =>
    !(second >= from && second < to);
const cart: Sender = { resource: instance("cart", "c1"), points: series(10), phase: 3 };

test("a series that stops is told with its cadence, and told again when it is back", () => {
  const line = timeline(absence);
  const checkout = { resource: instance("checkout", "a1"), points: series(4) };
  const latency: Point = { name: "http.server.duration", attributes: { route: "/pay" }, unit: "ms" };
  const fragile = { ...checkout, points: [latency], sends: out(30 * MINUTE, 42 * MINUTE) };
  play(line, [cart, checkout, fragile], 60 * MINUTE);
  assert.match(
    line.told[0],
    /^30:\d\d absence open: No http.server.duration of checkout \(route=\/pay\) for \d\d s; it usually comes every 15 s\.$/,
  );
  assert.match(
    line.told[1],
    /^42:00 absence resolved: http.server.duration of checkout \(route=\/pay\) is back after 12 min\.$/,
  );
  assert.equal(line.told.length, 2, line.told.join("\n"));
  const [open, resolved] = line.anomalies;
  assert.equal(resolved.id, open.id, "one episode");
  assert.equal(open.labels.attributes["route"], "/pay");
});

test("of an instance that stops among others one anomaly is told, not one a series", () => {
  const line = timeline(absence);
  const of = (id: string, phase: number, sends?: Sender["sends"]) => {
    return { resource: instance("checkout", id), points: series(213), phase, ...(sends && { sends }) };
  };
  play(line, [of("a1", 0, out(25 * MINUTE, 35 * MINUTE)), of("a2", 5), of("a3", 9)], 40 * MINUTE);
  assert.equal(line.told.length, 2, line.told.join("\n"));
  assert.match(
    line.told[0],
    /^2\d:\d\d absence open: checkout \(instance a1\) has fallen silent: none of its 213 series for/,
  );
  assert.match(line.told[1], /^35:00 absence resolved: checkout \(instance a1\) is back after 10 min\.$/);
  assert.equal(line.anomalies[0].contributors.length, 10);
});

test("what several services have lost together, an upstream sender, is one anomaly", () => {
  const line = timeline(absence);
  const behind = Array.from({ length: 12 }, (_, i) => {
    const resource = instance(`service-${i}`, "1");
    return { resource, points: series(20), phase: i, every: i % 2 ? 15 : 30, sends: out(40 * MINUTE, 60 * MINUTE) };
  });
  play(line, [cart, ...behind], 70 * MINUTE);
  assert.equal(line.told.length, 2, line.told.join("\n"));
  assert.match(
    line.told[0],
    /services have fallen silent together \(service-\d+, .* and others\): none of their \d+ series/,
  );
  assert.match(line.told[1], /^60:\d\d absence resolved: The .* are back after (19|20) min\.$/);
});

test("when everybody stops while the agent runs it is told once", () => {
  const line = timeline(absence);
  const all = [cart, { ...cart, resource: instance("checkout", "a1"), phase: 0 }];
  play(
    line,
    all.map((one) => ({ ...one, sends: out(30 * MINUTE, 50 * MINUTE) })),
    60 * MINUTE,
  );
  assert.equal(line.told.length, 2, line.told.join("\n"));
  assert.match(line.told[0], /^3\d:\d\d absence open: No telemetry from anyone for/);
  assert.match(line.told[1], /^50:\d\d absence resolved: Telemetry comes in again after 20 min\.$/);
});

test("the agent itself may be down: nothing is told, and what was silent before is told when it is back", () => {
  const line = timeline(absence);
  const fragile = { ...cart, resource: instance("checkout", "a1"), phase: 0, sends: out(28 * MINUTE, 55 * MINUTE) };
  play(line, [cart, fragile], 30 * MINUTE);
  assert.equal(line.told.length, 1, line.told.join("\n"));
  line.restart(20 * MINUTE);
  play(line, [cart, fragile], 54 * MINUTE);
  line.restart(10);
  play(line, [cart, fragile], 60 * MINUTE);
  assert.equal(line.told.length, 2, line.told.join("\n"));
  assert.match(line.told[1], /^55:00 absence resolved: checkout is back after 27 min\.$/);
});

test("a series that stopped while the agent was down is told after the restart", () => {
  const line = timeline(absence);
  const lost: Sender = { ...cart, points: [{ name: "lost" }], sends: out(30 * MINUTE) };
  play(line, [cart, lost], 30 * MINUTE);
  line.restart(5 * MINUTE);
  play(line, [cart, lost], 45 * MINUTE);
  assert.equal(line.told.length, 1, line.told.join("\n"));
  assert.match(line.told[0], /No lost of cart for/);
});

test("a rolling deployment is no absence, nor is scaling in to where it was before", () => {
  const line = timeline(absence);
  const of = (id: string, from: number, to: number, phase: number): Sender => {
    return { resource: instance("checkout", id), points: series(5), phase, sends: (at) => at >= from && at < to };
  };
  const rolling = [0, 1, 2, 3].flatMap((i) => [
    of(`old${i}`, 0, (60 + 2 * i) * MINUTE, 2 * i),
    of(`new${i}`, (60 + 2 * i) * MINUTE, 10_000 * MINUTE, 2 * i + 1),
  ]);
  const burst = [0, 1, 2].map((i) => of(`burst${i}`, 90 * MINUTE, 130 * MINUTE, 8 + i));
  play(line, [cart, ...rolling, ...burst], 160 * MINUTE);
  assert.deepEqual(line.told, []);
});

test("what is irregular has longer silences before they are told", () => {
  const line = timeline(absence);
  let seed = 1;
  const random = () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 32;
  };
  // on average every 20 s
  const rare: Sender = { resource: cart.resource, points: [{ name: "rare" }], every: 1, phase: 0 };
  const stop = 6 * 60 * MINUTE;
  play(line, [cart, { ...rare, sends: (at) => at < stop && random() < 0.05 }], stop + 30 * MINUTE);
  assert.equal(line.told.length, 1, line.told.join("\n"));
  assert.match(line.told[0], /No rare of cart for \d min/);
});

test("a silence that lasts is taken for normal, and said so", () => {
  const line = timeline(absence, { forget_after: "30m" });
  const lost: Sender = { ...cart, points: [{ name: "lost" }], sends: out(20 * MINUTE) };
  play(line, [cart, lost], 60 * MINUTE);
  assert.match(
    line.told[1],
    /^49:\d\d absence resolved: No lost of cart for 30 min: that is taken for normal from now on\.$/,
  );
  assert.equal(line.told.length, 2);
});

test("nothing is told before a cadence is known, nor of series that the table had no room for", () => {
  const young = timeline(absence);
  play(young, [cart, { ...cart, points: [{ name: "lost" }], sends: out(4 * MINUTE) }], 20 * MINUTE);
  assert.deepEqual(young.told, []);
  const crowded = timeline(absence, {}, { limit: 12 });
  const flood: Sender = { ...cart, points: series(30), phase: 8, sends: (at) => at > 20 * MINUTE };
  play(crowded, [cart, flood], 40 * MINUTE);
  assert.deepEqual(crowded.told, []);
});

test("at max_series new series wait until others are forgotten", () => {
  const line = timeline(absence, { max_series: 11, forget_after: "10m" });
  const short: Sender = { ...cart, points: [{ name: "short" }], sends: (at) => at < 10 * MINUTE };
  const next: Sender = { ...cart, points: [{ name: "next" }], sends: (at) => at > 5 * MINUTE && at < 40 * MINUTE };
  play(line, [cart, short, next], 45 * MINUTE);
  const said = line.told.map((each) => each.replace(/:\d\d | for .*/g, " ").trim());
  assert.deepEqual(said, [
    "10 absence open: No short of cart",
    "19 absence resolved: No short of cart",
    "40 absence open: No next of cart",
  ]);
});

test("spans and records that stop are told by service and name, errors that stop are not", () => {
  for (const [signal, told, request] of [
    [
      "traces",
      /No GET \/cart spans of cart for/,
      (at: number, name: string) => spansOf(cart.resource, [{ name, time: at }]),
    ],
    [
      "logs",
      /No INFO records of cart for/,
      (at: number, name: string) =>
        recordsOf(cart.resource, [{ name: name === "GET /cart" ? 9 : name === "error" ? 17 : 5, time: at }]),
    ],
  ] as const) {
    const line = timeline(absence, {}, { signal });
    while (line.now < 40 * MINUTE) {
      line.send(request(line.now, "other"));
      if (line.now < 30 * MINUTE)
        for (const name of signal === "logs" ? ["GET /cart", "error"] : ["GET /cart"])
          line.send(request(line.now, name));
      line.tick(5);
    }
    if (signal === "logs") assert.equal(line.told.length, 1, line.told.join("\n"));
    assert.match(line.told[0], told);
  }
});

test("times from everywhere and attributes of any kind do no harm", () => {
  const line = timeline(absence);
  const strange: Values = {
    "service.name": "checkout",
    __proto__key: "x",
    constructor: true,
    "": 1,
    "\u0000": "\ud83d",
  };
  const points: Point[] = [
    { name: "", attributes: strange },
    { name: "a", attributes: JSON.parse('{"__proto__": "b"}') },
  ];
  for (let i = 0; i < 200; i++) {
    line.send(metricsOf(cart.resource, series(3), line.now));
    line.send(metricsOf(strange, points, i % 3 === 0 ? line.now + 1e9 : i % 3 === 1 ? 0 : line.now));
    line.tick(15);
    if (i === 100) line.restart();
  }
  assert.deepEqual(line.told, []);
  assert.equal(line.errors, 0);
});

test("restarts at any moment change nothing of what is told", () => {
  const of = (id: string, phase: number, sends?: Sender["sends"]): Sender => {
    return { resource: instance("checkout", id), points: series(6), phase, ...(sends && { sends }) };
  };
  const senders = [
    cart,
    of("a1", 0, out(20 * MINUTE, 31 * MINUTE)),
    of("a2", 5),
    { ...cart, points: [{ name: "lost" }], sends: out(24 * MINUTE) },
  ];
  const run = (restarts: readonly number[]) => {
    const line = timeline(absence, { forget_after: "20m" });
    for (const until of [...restarts, 60 * MINUTE]) {
      play(line, senders, until);
      if (restarts.includes(until)) line.restart();
    }
    return line.told;
  };
  const whole = run([]);
  assert.equal(whole.length, 4, whole.join("\n"));
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 3599 }), { maxLength: 4 }), (restarts) => {
      assert.deepEqual(run(restarts.sort((a, b) => a - b)), whole);
    }),
    { numRuns: 20 },
  );
});

test("bytes that are not its own are refused in words", () => {
  const line = timeline(absence);
  play(line, [cart], 10 * MINUTE);
  const good = line.save();
  const version = Buffer.from(Buffer.from(good).toString("latin1").replace('"version":1', '"version":2'), "latin1");
  for (const bytes of [Buffer.from("no"), Buffer.alloc(100, 255), good.subarray(0, good.length - 1), version]) {
    assert.throws(() => timeline(absence).load(bytes), /absence|nodes|damaged/);
  }
  const damaged = Buffer.from(good);
  damaged.fill(255, damaged.length - 24);
  assert.throws(() => timeline(absence).load(damaged), /damaged/);
});
