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
  assert.match(line.told[1], /^60:\d\d absence resolved: The .* are back after (20|21) min\.$/);
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
  assert.match(line.told[0], /^3\d:\d\d absence open: No metrics from anyone for 3 min; they usually come every/);
  assert.match(line.told[1], /^50:\d\d absence resolved: Metrics come in again after 20 min\.$/);
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
  const stop = 26 * 60 * MINUTE;
  play(line, [cart, { ...rare, sends: (at) => at < stop && random() < 0.05 }], stop + 30 * MINUTE);
  assert.equal(line.told.length, 1, line.told.join("\n"));
  assert.match(line.told[0], /No rare of cart for \d+ min/);
});

test("clocks that differ by any time, and what comes late, make no silence", () => {
  const line = timeline(absence);
  const skews = [0, -90, 300, -400, 1200, 900_000];
  while (line.now < 90 * MINUTE) {
    const late = line.now % (30 * MINUTE) > 29 * MINUTE + 10;
    for (const [i, skew] of skews.entries()) {
      if (line.now % 10 !== i || (late && i === 1)) continue;
      line.send(metricsOf(instance(`s${i % 2}`, `${i}`), series(3), line.now + skew));
    }
    if (line.now % (30 * MINUTE) === 0 && line.now > 0)
      for (let ago = 50; ago > 0; ago -= 10) line.send(metricsOf(instance("s1", "1"), series(3), line.now - ago - 90));
    line.tick();
  }
  assert.deepEqual(line.told, []);
});

test("instances of a fleet that follows the load, and series that come and go, are soon known to", () => {
  const line = timeline(absence);
  const pods = Array.from({ length: 10 }, (_, i): Sender => {
    const sends = i < 3 ? () => true : out((60 + 20 * i) * MINUTE);
    return { resource: instance("web", `w${i}`), points: series(2), phase: i, sends };
  });
  const sessions = Array.from({ length: 8 }, (_, i): Sender => {
    const points = [{ name: "session", attributes: { user: `u${i}` } }];
    return { ...cart, points, sends: out((40 + 80 * i) * MINUTE) };
  });
  play(line, [cart, ...pods, ...sessions], 12 * 60 * MINUTE);
  const count = (what: RegExp) => line.told.filter((each) => what.test(each)).length;
  assert.ok(count(/web \(instance/) <= 4, line.told.join("\n"));
  assert.ok(count(/No session of cart/) <= 4, line.told.join("\n"));
  const half = timeline(absence);
  const all = pods.map((pod, i) => ({ ...pod, sends: i < 6 ? out(60 * MINUTE) : () => true }));
  play(half, [cart, ...all], 63 * MINUTE);
  assert.match(half.told[0], /6 instances of web have fallen silent together/);
});

test("a silence that was told three times and ended is a habit", () => {
  const line = timeline(absence);
  const job: Sender = {
    resource: { "service.name": "report" },
    points: series(2),
    every: 10,
    sends: (at) => at % (3 * 60 * MINUTE) < 20 * MINUTE,
  };
  play(line, [cart, job], 40 * 60 * MINUTE);
  const opened = line.told.filter((each) => each.includes("open: report has fallen silent"));
  assert.equal(opened.length, 3, line.told.join("\n"));
});

test("an attribute that goes and comes back is no silence of the series with it or without", () => {
  const line = timeline(absence);
  const point = (attributes: Values): Sender => ({ ...cart, points: [{ name: "requests", attributes }] });
  const [from, to] = [60 * MINUTE, 90 * MINUTE];
  const whole = { ...point({ route: "/pay", method: "GET" }), sends: out(from, to) };
  const bare = { ...point({ route: "/pay" }), sends: (at: number) => at >= from && at < to };
  play(line, [cart, whole, bare], 120 * MINUTE);
  assert.deepEqual(line.told, []);
});

test("requests that fail no more are no silence", () => {
  const line = timeline(absence);
  const points: Point[] = [
    { name: "requests", attributes: { "http.response.status_code": 503 } },
    { name: "requests", attributes: { "error.type": "timeout" } },
  ];
  play(line, [cart, { ...cart, points, sends: out(30 * MINUTE) }], 60 * MINUTE);
  assert.deepEqual(line.told, []);
});

test("after the agent was down senders may take two minutes to come back, one after the other", () => {
  const line = timeline(absence);
  const senders = [0, 1, 2, 3].map((i) => ({ ...cart, resource: instance(`s${i}`, "1"), phase: 3 * i }));
  play(line, senders, 40 * MINUTE);
  line.restart(10 * MINUTE);
  const back = line.now;
  play(
    line,
    senders.map((each, i) => ({ ...each, sends: (at) => at > back + [140, 20, 60, 145][i] })),
    back + 20 * MINUTE,
  );
  assert.deepEqual(line.told, []);
});

test("a service that was deployed before it fell silent counts the series it had last", () => {
  const line = timeline(absence);
  const of = (id: string, sends: Sender["sends"]): Sender => {
    return { resource: instance("pay", id), points: series(5), ...(sends && { sends }) };
  };
  play(line, [cart, of("a", out(60 * MINUTE)), of("b", (at) => at >= 60 * MINUTE && at < 120 * MINUTE)], 130 * MINUTE);
  assert.match(line.told[0], /pay has fallen silent: none of its 5 series for/);
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

test("at max_series what a deployment has replaced makes room within the hour", () => {
  const line = timeline(absence, { max_series: 15 });
  const of = (id: string, from: number, to: number): Sender => {
    const sends = (at: number) => at >= from * MINUTE && at < to * MINUTE;
    return { resource: instance("pay", id), points: series(5), sends };
  };
  play(line, [cart, of("old", 0, 60), of("new", 59, 130)], 140 * MINUTE);
  assert.equal(line.told.length, 1, line.told.join("\n"));
  assert.match(line.told[0], /^13\d:\d\d absence open: pay has fallen silent/);
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
