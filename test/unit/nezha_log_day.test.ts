// The benchmark's reader of the logs of a Nezha day: each line once, as a Collector would send it, in the order of arrival.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { gzipSync } from "node:zlib";
import { hasLogs, readLogDay } from "../../bench/nezha_log_day.ts";
import { ordinary } from "../../bench/payloads.ts";

const HEAD = "Timestamp,TimeUnixNano,Node,PodName,Container,TraceID,SpanID,Log\n";
const TRACE = "b0103bb0161ad7fa352fe1828eeb643a";
const NOON = Date.UTC(2023, 0, 29, 12);

/** `log` is JSON, as the container wrote it. */
function row(after: number, service: string, log: string, nanos = BigInt(NOON + after) * 1_000_000n): string {
  const cell = `"${log.replaceAll('"', '""')}"`;
  const time = new Date(NOON + after).toISOString().replace("Z", "");
  return `${time},${nanos},10.0.0.1,ts-${service}-service-5dc8d4f9fd-46997,server,${TRACE},520b067330e3ede5,${cell}`;
}

test("lines of a Nezha day become log records by the second; normal traffic comes first", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "vedette-nezha-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  assert.equal(hasLogs(folder), false);
  const write = (part: string, file: string, rows: readonly string[]) => {
    mkdirSync(join(folder, part, "log"), { recursive: true });
    writeFileSync(join(folder, part, "log", file), gzipSync(`${HEAD}${rows.join("\n")}\n`));
  };
  const found = row(0, "basic", `{"log":"20:00:00.000 INFO  f.B#4 found, \\"now\\"\\n","stream":"stdout","time":"x"}`);
  const failed = row(500, "auth", `{"log":"20:00:00.500 ERROR  a.B#7 cannot go on\\n"`);
  const odd = row(2500, "auth", `{"log":"no level here`);
  write("faults", "12_00_log.csv.gz", [found, failed]);
  const wrong = row(3500, "auth", `{"log":"20:00:03.501 ERROR  a.B#9 no answer\\n"`, -6795364578871345152n);
  write("faults", "12_01_log.csv.gz", [failed, odd, wrong]);
  write("normal", "13_00_log.csv.gz", [row(3_600_000, "basic", `{"log":"21:00:00.000 INFO  f.B#4 usual\\n"}`)]);
  const listed = { inject_time: "2023-01-29 12:00:30", inject_pod: "ts-auth-service-1-2", inject_type: "return" };
  writeFileSync(join(folder, "faults", "2023-01-29-fault_list.json"), JSON.stringify({ "12": [listed] }));

  const day = readLogDay(folder);
  assert.deepEqual(day.faults, [{ time: NOON + 30_000, kind: "return", service: "ts-auth-service" }]);
  assert.deepEqual(day.services, ["ts-auth-service", "ts-basic-service"]);
  const seen = day.requests.flatMap(({ at, bytes }) =>
    ordinary.logs.decode(bytes).resourceLogs.flatMap(({ resource, scopeLogs }: any) =>
      scopeLogs[0].logRecords.map(({ severityNumber, body, traceId }: any) => {
        assert.equal(Buffer.from(traceId).toString("hex"), TRACE);
        return [at - NOON, resource.attributes[0].value.stringValue, severityNumber ?? 0, body.stringValue];
      }),
    ),
  );
  assert.deepEqual(seen, [
    [-59_000, "ts-basic-service", 9, "21:00:00.000 INFO  f.B#4 usual"],
    [1000, "ts-basic-service", 9, '20:00:00.000 INFO  f.B#4 found, "now"'],
    [2000, "ts-auth-service", 17, "20:00:00.500 ERROR  a.B#7 cannot go on"],
    [4000, "ts-auth-service", 0, '{"log":"no level here'],
    [5000, "ts-auth-service", 17, "20:00:03.501 ERROR  a.B#9 no answer"],
  ]);
});
