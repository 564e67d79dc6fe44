// What processors say of each service, also below any line: a Nezha day through the agent in event time.
import type { Anomaly, Detection, Finding, Host, Plugin, ServiceCall, Suspicion, Telemetry } from "../src/api/index.ts";
import { Log } from "../src/observe/log.ts";
import { Suspecting } from "../src/pipeline/suspecting.ts";
import { Player } from "../src/replay/player.ts";
import type { Loaded } from "../src/replay/replay.ts";
import type { Day } from "./nezha_day.ts";

/** The agent ticks on after the last span: what is still being put together is judged. */
const AFTERWARDS = 240_000;

/** By type of processor what it said; and who called whom as far as they have learnt it. */
export interface Evidence {
  readonly heard: Map<string, readonly Suspicion[]>;
  readonly calls: readonly ServiceCall[];
}

/**
 * What `correlate` would hear of processors, of those that judge, if their lines were out of reach. Of finders each finding is noted; none is raised unless they
 * run `live`: then what is past the line is, and what was handed over before is noted only when it has become rarer.
 */
export async function evidenceOf(
  { requests }: Day,
  signal: Telemetry,
  types: readonly string[],
  { config, registry }: Loaded,
  live = false,
): Promise<Evidence> {
  const heard = new Map(types.map((type) => [type, [] as Suspicion[]] as const));
  const hearing = {
    hears: true,
    suspect: (suspicion: Suspicion) => void heard.get(suspicion.detector)?.push(suspicion),
  };
  const start = requests[0].at;
  const player = new Player({
    config,
    plugins: {
      get(section, type) {
        const plugin = registry.get(section, type);
        const noted = plugin?.kind === "finder" && heard.has(type);
        return noted ? recorded(plugin, new Suspecting(type, hearing, undefined), live) : plugin;
      },
    },
    log: new Log({ ...config.service.telemetry.logs, level: "error" }),
    tap: {
      judged(batch, judgement) {
        const score = new Float64Array(judgement.count);
        new Suspecting(judgement.detector, hearing, undefined).judged(batch, { ...judgement, score });
      },
      found: (_: Anomaly) => {},
    },
    exports: false,
    start,
    onAnomaly() {},
  });
  await player.start();
  let now = start;
  for (const { at, bytes } of requests) {
    now = at;
    await player.feed(signal, bytes, at, at);
  }
  for (const end = now + AFTERWARDS; now < end; now += 1000) player.agent.tick(now);
  const calls = player.agent.view.calls();
  await player.stop();
  return { heard, calls };
}

/** The finder, of which every finding is noted; where none is raised it judges on, and what it judges stays the same. */
function recorded(plugin: Extract<Plugin, { kind: "finder" }>, to: Suspecting, live: boolean): Plugin {
  return {
    ...plugin,
    create(config: never, host: Host, detection: Detection) {
      const recording: Detection = {
        allows: (labels) => detection.allows(labels),
        fingerprint: (...about) => detection.fingerprint(...about),
        lasts: (...about) => detection.lasts(...about),
        find(finding: Finding, batch, row) {
          const { rarity, tried = 0, state } = finding;
          if (state !== "resolved" && (!live || rarity > tried)) to.missed(finding);
          return live && detection.find(finding, batch, row);
        },
      };
      return plugin.create(config, host, recording);
    },
  };
}
