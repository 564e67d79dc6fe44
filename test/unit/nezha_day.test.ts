// The benchmark's reader of a Nezha day: each span once, with a kind, in the order of arrival.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { gzipSync } from "node:zlib";
import { hasDay, readDay } from "../../bench/nezha_day.ts";
import { Intake } from "../../src/pipeline/intake.ts";

const HEAD = "TraceID,SpanID,ParentID,PodName,OperationName,StartTimeUnixNano,EndTimeUnixNano,Duration\n";
const TRACE = "b0103bb0161ad7fa352fe1828eeb643a";
const NOON = Date.UTC(2023, 0, 29, 12);
const nanos = (ms: number) => `${BigInt(NOON + ms) * 1_000_000n}`;

test("spans of a Nezha day become requests by the second; normal traffic comes first", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "vedette-nezha-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  assert.equal(hasDay(folder), false);
  const write = (part: string, file: string, rows: readonly string[]) => {
    mkdirSync(join(folder, part, "trace"), { recursive: true });
    writeFileSync(join(folder, part, "trace", file), gzipSync(`${HEAD}${rows.join("\n")}\n`));
  };
  const root = `${TRACE},520b067330e3ede5,root,ts-gateway-service-6f6cfc45b-h5m2n,/*,${nanos(0)},${nanos(300)},300000`;
  const call = `${TRACE},a4424f20bffee416,520b067330e3ede5,ts-gateway-service-6f6cfc45b-h5m2n,HTTP POST,${nanos(10)},${nanos(290)},280000`;
  const far = `${TRACE},7e28bdb6a47af144,a4424f20bffee416,ts-auth-service-7f8d7d756d-k7b9j,"/login, ""now""",${nanos(20)},${nanos(280)},260000`;
  const work = `${TRACE},8e28bdb6a47af144,7e28bdb6a47af144,ts-auth-service-7f8d7d756d-k7b9j,check,${nanos(20)},${nanos(1500)},1480000`;
  write("faults", "12_00_trace.csv.gz", [root, call]);
  write("faults", "12_01_trace.csv.gz", [call, far, work]);
  write("normal", "13_00_trace.csv.gz", [root.replaceAll(TRACE, TRACE.replace("b", "c"))]);
  const listed = {
    inject_time: "2023-01-29 12:00:30",
    inject_timestamp: "0",
    inject_pod: "ts-auth-service-7f8d7d756d-k7b9j",
    inject_type: "return",
  };
  writeFileSync(join(folder, "faults", "2023-01-29-fault_list.json"), JSON.stringify({ "12": [listed] }));
  const day = readDay(folder);
  assert.deepEqual(day.faults, [{ time: NOON + 30_000, kind: "return", service: "ts-auth-service" }]);
  assert.deepEqual(day.services, ["ts-auth-service", "ts-gateway-service"]);
  const seen = day.requests.flatMap(({ at, bytes }) => {
    const intake = new Intake("traces", 1, 100);
    intake.read(bytes);
    const { kind } = intake.rows(at);
    return Array.from({ length: intake.scan.items }, (_, i) => [at - NOON, kind[i]]);
  });
  // the far side comes before the caller, by the name of its service
  assert.deepEqual(seen, [
    [-59_000, 2],
    [2000, 2],
    [2000, 3],
    [2000, 2],
    [3000, 1],
  ]);
});
