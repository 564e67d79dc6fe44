// Several agents that are fed the same telemetry in turns, second by second: what each takes of the CPU beside the others.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Telemetry } from "../src/api/index.ts";
import { Log } from "../src/observe/log.ts";
import { Player } from "../src/replay/player.ts";
import { loadSources } from "../src/replay/replay.ts";

export interface Run {
  readonly name: string;
  readonly player: Player;
  /** CPU microseconds after the warm-up, by second of the run. */
  readonly spent: number[];
}

/** An agent with one pipeline of these processors, with their options. */
export async function playerOf(
  signal: Telemetry,
  processors: Readonly<Record<string, object>>,
  start: number,
): Promise<Player> {
  const pipeline = { receivers: ["otlp"], processors: Object.keys(processors), exporters: ["debug"] };
  const written = {
    receivers: { otlp: { protocols: { http: {} } } },
    processors,
    exporters: { debug: {} },
    service: { pipelines: { [signal]: pipeline } },
  };
  const { config, registry } = await loadSources([`yaml:${JSON.stringify(written)}`]);
  const log = new Log({ ...config.service.telemetry.logs, level: "error" });
  const tap = { judged() {}, found() {} };
  const player = new Player({ config, plugins: registry, log, tap, exports: false, start, onAnomaly() {} });
  await player.start();
  return player;
}

/** Feeds them so many seconds of requests; what the first `warm` cost is left out. `start` is in Unix milliseconds. */
export async function playInTurns(
  signal: Telemetry,
  runs: readonly Run[],
  seconds: Iterable<readonly Uint8Array[]>,
  { start, warm, length }: { start: number; warm: number; length: number },
): Promise<void> {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as (options: { type: "minor" }) => void;
  let second = 0;
  const order = [...runs];
  for (const requests of seconds) {
    if (second === length) break;
    // what making the requests left behind is not the agent's to collect
    collect({ type: "minor" });
    const now = start + second * 1000 + 1500;
    // each comes first in its turn, when the requests are in no cache
    order.push(order.shift()!);
    for (const { player, spent } of order) {
      const began = process.cpuUsage();
      for (const bytes of requests) await player.feed(signal, bytes, now, now);
      const { user, system } = process.cpuUsage(began);
      if (second >= warm) spent.push(user + system);
    }
    second++;
  }
}

/** Nanoseconds of CPU an item, seconds with a full collection left in. */
export const meanOf = ({ spent }: Run, itemsASecond: number): number =>
  (spent.reduce((sum, each) => sum + each, 0) * 1000) / (spent.length * itemsASecond);
