// What people on call are told of a fault, from the rows that detectors find to the lines of a webhook, with all options at their defaults.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import type { Anomaly } from "vedette";
import { Told } from "vedette/http";
import correlate from "../../plugins/processors/correlate/index.ts";
import episodes from "../../plugins/processors/episodes/index.ts";
import severity from "../../plugins/processors/severity/index.ts";
import { severityOf } from "../../src/api/severity.ts";
import { about, anomalyTimeline } from "../anomaly_timeline.ts";

const folder = new URL("on_call/", import.meta.url);
/** Seconds from one row, or word that it lasts, to the next. */
const EVERY = 30;

interface Source {
  readonly of: Partial<Anomaly>;
  readonly until: number;
  /** Its finder tells it once, and then its end. */
  readonly tellsEnd: boolean;
  readonly rows: { readonly at: number; readonly score: number; readonly reason: string }[];
}

interface Script {
  readonly calls: { from: string; to: string; rate: number; failed: number; latency: number }[];
  readonly sources: Source[];
  readonly told: string[];
}

const seconds = (clock: string) => clock.split(":").reduce((sum, each) => 60 * sum + Number(each), 0);
const clock = (time: number) =>
  [Math.floor(time / 3600), Math.floor(time / 60) % 60, time % 60]
    .map((each) => String(each).padStart(2, "0"))
    .join(":")
    .slice(1);

function read(text: string): Script {
  const script: Script = { calls: [], sources: [], told: [] };
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const [, edges] = /^calls (.+)$/.exec(line) ?? [];
    const [, detector, signal, type, service, how, until] =
      /^(\w+) (\w+) (\w+) of ([\w-]+)(?:, (lasts until|until it is back at) (.+))?$/.exec(line) ?? [];
    const [, at, score, reason] = /^(\d+:\d\d:\d\d) ([\d.]+) (.+)$/.exec(line) ?? [];
    if (line.startsWith("= ")) script.told.push(line.slice(2));
    else if (edges) {
      for (const edge of edges.split(", ")) {
        const [from, to] = edge.split(" > ");
        script.calls.push({ from, to, rate: 1, failed: 0, latency: 10 });
      }
    } else if (detector) {
      const own = { detector, type, signal: signal as Anomaly["signal"] };
      const named = about(service, detector === "absence" ? "" : `${detector} ${script.sources.length}`, own);
      const tellsEnd = how?.endsWith("back at") === true;
      script.sources.push({ of: named, until: seconds(until ?? "0:00:00"), tellsEnd, rows: [] });
    } else if (at) script.sources.at(-1)!.rows.push({ at: seconds(at), score: Number(score), reason });
    else throw new Error(`cannot read ${JSON.stringify(line)}`);
  }
  return script;
}

/** "0:02:10 open warning: sentence" of all that an exporter with its defaults sends. */
function play({ calls, sources }: Script): string[] {
  const line = anomalyTimeline([episodes], [correlate], [severity]);
  for (const host of line.hosts) host.agent = { ...host.agent, calls: () => calls };
  const told = new Told({ send_resolved: true, send_ongoing: false }, line.host);
  const sent: string[] = [];
  const send = (changes: readonly Anomaly[]) => {
    for (const change of changes) {
      if (!told.isNews(change)) continue;
      told.tell(change);
      sent.push(`${clock(line.now)} ${change.state} ${change.severity}: ${change.reason}`);
    }
  };
  while (line.now < 2 * 3600) {
    for (const { of, until, tellsEnd, rows } of sources) {
      const { fingerprint } = of as Anomaly;
      const last = rows.at(-1)!;
      for (const { at, score, reason } of rows) {
        if (at !== line.now) continue;
        const id = `${fingerprint}-${line.host.time.toString(36)}`;
        const own = { ...of, id, score, rarity: 5 * score, severity: severityOf(score), reason };
        send(line.raise({ ...own, ...(tellsEnd && { untilResolved: true }) }));
      }
      if (tellsEnd) {
        if (line.now === until) send(line.raise({ ...of, state: "resolved", score: 0, reason: last.reason }));
      } else if (line.now > rows[0].at && line.now <= until && line.now % EVERY === 0) line.lasts(fingerprint);
    }
    send(line.tick());
  }
  return sent;
}

for (const file of readdirSync(folder).filter((name) => name.endsWith(".txt"))) {
  test(`${file.replace(".txt", "")}: exactly these lines are sent, at these times`, () => {
    const script = read(readFileSync(new URL(file, folder), "utf8"));
    assert.deepEqual(play(script), script.told);
  });
}
