// The generated world that log detection is measured with: the same by seed, sound, and its faults are what they say.
import assert from "node:assert/strict";
import test from "node:test";
import type { LogFault } from "../../bench/log_world/faults.ts";
import { LOG_CANDIDATES, LOG_FAULT_KINDS, planLogs } from "../../bench/log_world/plan.ts";
import type { Service } from "../../bench/log_world/service.ts";
import type { Statement } from "../../bench/log_world/statement.ts";
import { systemOf } from "../../bench/log_world/system.ts";
import { LogWorld, type LogWorldOptions } from "../../bench/log_world/world.ts";
import { ordinary } from "../../bench/payloads.ts";
import { START } from "../../bench/world/world.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const NOON = START + 12 * HOUR;
const CALM = {
  lostBatches: 0,
  lateBatches: 0,
  troubles: 0,
  restarts: 0,
  deploys: 0,
  own: 0,
  mix: 0,
  errors: 0,
  load: 0,
};

interface LogLine {
  readonly service: string;
  readonly version: string;
  /** Milliseconds since noon. */
  readonly time: number;
  readonly severity: number;
  readonly severityText: string;
  /** Of a key-value list its JSON. */
  readonly body: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly trace: string;
}

function plain(value: any): unknown {
  if (value.kvlistValue) return objectOf(value.kvlistValue.values);
  return value.stringValue ?? value.doubleValue ?? Number(value.intValue);
}

const objectOf = (pairs: readonly any[]) => Object.fromEntries(pairs.map(({ key, value }) => [key, plain(value)]));

function linesOf(options: LogWorldOptions): LogLine[] {
  const lines: LogLine[] = [];
  for (const { bytes } of new LogWorld(options).arrivals()) {
    for (const { resource, scopeLogs } of ordinary.logs.decode(bytes).resourceLogs) {
      const { "service.name": service, "service.version": version } = objectOf(resource.attributes) as any;
      for (const record of scopeLogs[0].logRecords) {
        const body = plain(record.body);
        lines.push({
          service,
          version,
          time: Number(BigInt(record.timeUnixNano.toString()) / 1000n) / 1000 - NOON,
          severity: record.severityNumber ?? 0,
          severityText: record.severityText ?? "",
          body: typeof body === "string" ? body : JSON.stringify(body),
          attributes: objectOf(record.attributes),
          trace: Buffer.from(record.traceId ?? []).toString("hex"),
        });
      }
    }
  }
  return lines;
}

const short = (seed: number): LogWorldOptions => ({ seed, hours: 1 / 30, start: NOON });

test("a seed gives the same requests, another seed others", () => {
  const all = (seed: number) => Buffer.concat([...new LogWorld(short(seed)).arrivals()].map(({ bytes }) => bytes));
  assert.ok(all(1).equals(all(1)));
  assert.ok(!all(1).equals(all(2)));
});

test("requests arrive in order and hold as many records as they say; those of an instance are in the order of their time", () => {
  let last = 0;
  for (const { at, bytes, records } of new LogWorld({ ...short(3), noise: { lateBatches: 0.2 } }).arrivals()) {
    assert.ok(at >= last);
    last = at;
    let held = 0;
    for (const { scopeLogs } of ordinary.logs.decode(bytes).resourceLogs) {
      const times = scopeLogs[0].logRecords.map(({ timeUnixNano }: any) => BigInt(timeUnixNano.toString()));
      assert.deepEqual(
        times,
        times.toSorted((a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0)),
      );
      held += times.length;
    }
    assert.equal(held, records);
  }
});

test("thirty services write in ten formats, most at levels that their records say", () => {
  const { services } = systemOf(4);
  assert.equal(services.length, 30);
  assert.equal(new Set(services.map(({ spec }) => spec.format)).size, 10);
  const lines = linesOf({ seed: 4, hours: 0.3, start: NOON });
  assert.equal(new Set(lines.map(({ service }) => service)).size, 30);
  const share = (wanted: (line: LogLine) => boolean) => lines.filter(wanted).length / lines.length;
  assert.ok(share(({ severity }) => severity === 0) > 0.05);
  assert.ok(share(({ severity }) => severity === 9) > 0.5);
  const failed = share(({ severity }) => severity === 17);
  assert.ok(failed > 0.0003 && failed < 0.01, `${failed}`);
  assert.ok(share(({ trace }) => trace !== "") > 0.1 && share(({ attributes }) => "session.id" in attributes) > 0.03);
  assert.ok(lines.some(({ body }) => body.includes("\n\tat ")) && lines.some(({ body }) => body.includes("Traceback")));
  for (const { service, body } of lines) {
    if (services.find(({ name }) => name === service)!.spec.format === "json") JSON.parse(body);
  }
});

test("what belongs together is opened and closed, in its order", () => {
  const world = new LogWorld(short(5));
  const cart = world.system.services.find(({ name }) => name === "payment")!;
  const [{ open, close }] = cart.sequences;
  const lines = linesOf({ seed: 5, hours: 0.5, start: NOON, noise: CALM });
  const said = (statement: Statement, line: LogLine) => line.service === cart.name && says(line, statement);
  const opened = lines.filter((line) => said(open, line));
  assert.ok(opened.length > 20);
  const closed = new Map(lines.filter((line) => said(close, line)).map((line) => [line.trace, line]));
  // what is opened in the last minute may be closed after the world's end
  const open2 = opened.filter(({ trace, time }) => !((closed.get(trace)?.time ?? -1) >= time));
  assert.ok(open2.length <= 1 + 0.02 * opened.length, `${open2.length} of ${opened.length}`);
});

test("nights are quieter than days", () => {
  const recordsAt = (hour: number) => {
    let sum = 0;
    for (const { records } of new LogWorld({ seed: 6, hours: 0.1, start: START + hour * HOUR }).arrivals())
      sum += records;
    return sum;
  };
  assert.ok(recordsAt(4) * 2 < recordsAt(15));
});

test("a normal deployment changes the version, says so, and may add statements, which is news", () => {
  const world = new LogWorld({ seed: 7, hours: 0.5, start: NOON, noise: { deploys: 400 } });
  const versions = new Set<string>();
  for (const { bytes } of world.arrivals()) {
    for (const { resource } of ordinary.logs.decode(bytes).resourceLogs) {
      versions.add((objectOf(resource.attributes) as any)["service.version"]);
    }
  }
  assert.ok(versions.has("1.2.0"));
  const [{ service, words }] = world.news;
  const { added } = world.system.services.find(({ name }) => name === service)!;
  assert.deepEqual(
    words,
    added[0].map(({ message }) => message),
  );
});

/** Whether the words of the statement are all in the line. */
function says({ body }: LogLine, { constants }: Statement): boolean {
  const words = constants.flatMap((each) => each.split(/[\s:=,()%"]+/)).filter(({ length }) => length > 1);
  return words.every((word) => body.includes(word));
}

/** What is measured of the lines of the service at fault, and the least by which it grows (or, below 1, shrinks). */
type Measure = (lines: readonly LogLine[], service: Service, fault: LogFault) => number;
const count = (wanted: (line: LogLine, service: Service, fault: LogFault) => boolean): Measure => {
  return (lines, service, fault) => 0.2 + lines.filter((line) => wanted(line, service, fault)).length;
};
const share = (wanted: (line: LogLine, service: Service, fault: LogFault) => boolean): Measure => {
  return (lines, service, fault) => lines.filter((line) => wanted(line, service, fault)).length / lines.length;
};
const statement = (service: Service, { index = 0 }: LogFault) => service.statements[index];
const times = count((line, service, fault) => says(line, statement(service, fault)));
/** Of the numbers in the place of the parameter at fault that which has this share of them below it. */
const quantile = (below: number): Measure => {
  return (lines, service, fault) => {
    const own = statement(service, fault);
    const { name } = own.parameters[fault.parameter!];
    const before = RegExp.escape(own.constants[fault.parameter!].slice(-8));
    const place = new RegExp(`(?:${before}|${name}"?[:=]"?)(\\d+(?:\\.\\d+)?)`);
    const found = lines.filter((line) => says(line, own)).map(({ body }) => Number(place.exec(body)![1]));
    return found.sort((a, b) => a - b)[Math.floor(below * (found.length - 1))];
  };
};
const attribute = (wanted: (value: unknown) => boolean) =>
  count((line, _service, { key }) => wanted(line.attributes[key!]));
const unclosed: Measure = (lines, service, { index = 0 }) => {
  const { open, close } = service.sequences[index];
  const closed = lines.filter((line) => says(line, close)).length;
  return (0.2 + lines.filter((line) => says(line, open)).length) / (0.2 + closed);
};
const foreign: Measure = (lines, service, { index = 0 }) => {
  const { open } = service.sequences[index];
  const { close } = service.sequences[1 - index];
  const together = Map.groupBy(lines, ({ trace, attributes }) => trace || `${attributes["session.id"]}`);
  return (
    0.2 +
    [...together.values()].filter(
      (own) => own.some((line) => says(line, open)) && own.some((line) => says(line, close)),
    ).length
  );
};

const CHECKS: Readonly<Record<LogFault["kind"], readonly [measure: Measure, least: number]>> = {
  new_error: [count((line, service) => says(line, service.spare.ERROR)), 3],
  new_info: [count((line, service) => says(line, service.spare.INFO)), 5],
  deploy: [count((line, service) => service.deployed.some((each) => says(line, each))), 5],
  burst: [times, 2],
  drop: [times, 0.6],
  silence: [times, 0.1],
  level_silence: [count(({ severity }) => severity === 9), 0.1],
  errors: [count((line, service) => service.statements.some((each) => each.level === "ERROR" && says(line, each))), 3],
  missing_partner: [unclosed, 1.1],
  novel_combination: [foreign, 1.5],
  outlier: [quantile(1), 3],
  shift: [quantile(0.5), 2],
  new_value: [count(({ body }) => body.includes("quarantined")), 5],
  new_attribute_value: [count(({ attributes }) => Object.values(attributes).includes("quarantined")), 5],
  missing_attribute: [share((line, _service, { key }) => key! in line.attributes), 0.7],
  empty_attribute: [attribute((value) => value === ""), 20],
  attribute_type: [count((line, service, { key }) => typeof line.attributes[key!] !== typeof usual(service, key!)), 20],
  missing_body_field: [share(({ body }, _service, { key }) => body.includes(`${key}`)), 0.7],
  flat_severity: [share(({ severity }) => severity !== 9), 0.1],
};

function usual(service: Service, key: string): unknown {
  const own = service.attributes.find(({ name }) => name === key);
  return own && ["small", "attempt"].includes(own.kind) ? 0 : "";
}

test("each fault is in the records from its begin to its end", async (t) => {
  const lasts = 20 * MINUTE;
  const seed = 8;
  const kinds = LOG_FAULT_KINDS;
  const plan = planLogs({ seed, first: 0, lasts: 1, every: 1, count: kinds.length, kinds });
  const faults = plan.map((fault) => ({ ...fault, from: NOON + lasts, to: NOON + 2 * lasts }));
  const lines = linesOf({ seed, hours: (3 * lasts) / HOUR, start: NOON, faults, noise: CALM });
  assert.equal(new Set(plan.map(({ service }) => service)).size, kinds.length);
  const byService = Map.groupBy(lines, ({ service }) => service);
  const { services } = systemOf(seed);
  for (const fault of faults) {
    await t.test(fault.kind, () => {
      const [measure, least] = CHECKS[fault.kind];
      const service = services.find(({ name }) => name === fault.service)!;
      const own = byService.get(fault.service)!;
      const [before, during, after] = [0, 1, 2].map((i) => {
        const part = own.filter(({ time }) => time >= i * lasts && time < (i + 1) * lasts);
        return measure(part, service, fault);
      });
      const told = `${JSON.stringify(fault)}: ${before}, ${during}, ${after}`;
      if (least > 1) assert.ok(during / before >= least && during / after >= least, told);
      else assert.ok(during / before <= least && during / after <= least, told);
    });
  }
});

test("every world has a place for every kind and size, and hardly ever two in one service", () => {
  for (let seed = 1; seed <= 12; seed++) {
    const count = LOG_FAULT_KINDS.length;
    const plan = planLogs({ seed, first: NOON, lasts: MINUTE, every: 2 * MINUTE, count });
    assert.deepEqual(new Set(plan.map(({ kind }) => kind)), new Set(LOG_FAULT_KINDS));
    assert.ok(new Set(plan.map(({ service }) => service)).size >= count - 1);
    for (const [i, { from, to }] of plan.entries()) assert.ok(to > from && from >= (plan[i - 1]?.to ?? 0));
  }
  const planted = Array.from({ length: 12 }, (_, seed) =>
    planLogs({ seed, first: 0, lasts: 1, every: 2, count: LOG_FAULT_KINDS.length }),
  ).flat();
  for (const kind of LOG_FAULT_KINDS) {
    const sizes = new Set(planted.filter((fault) => fault.kind === kind).map(({ size }) => size));
    assert.deepEqual(sizes, new Set(LOG_CANDIDATES[kind].sizes), kind);
  }
});
