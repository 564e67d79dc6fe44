// How strongly processors point at each service, also below any line: a Nezha day through the agent in event time.
import type { Anomaly, Detection, Finding, Host, Labels, Plugin, ServiceCall, Telemetry } from "../src/api/index.ts";
import { Log } from "../src/observe/log.ts";
import { Player } from "../src/replay/player.ts";
import type { Loaded } from "../src/replay/replay.ts";
import type { Day } from "./nezha_day.ts";

/** Milliseconds in which what is said of a service is kept together. */
export const SLICE = 10_000;
/** The agent ticks on after the last span: what is still being put together is judged. */
const AFTERWARDS = 240_000;

/** What was said of one service: the rarest, and how many rows were looked at for it; none where it is no row that is judged. */
interface Noted {
  rarest: number;
  looks: number;
}

/** What each type of processor said, and who called whom as far as they have learnt it. */
export interface Heard {
  readonly evidence: Map<string, Evidence>;
  readonly calls: readonly ServiceCall[];
}

/**
 * By type of processor, of those that judge. Of finders each finding is noted; none is raised unless they run `live`: then what is past
 * the line is, and what was handed over before is noted only when it has become rarer.
 */
export async function evidenceOf(
  { requests }: Day,
  signal: Telemetry,
  types: readonly string[],
  { config, registry }: Loaded,
  live = false,
): Promise<Heard> {
  const all = new Map(types.map((type) => [type, new Evidence()] as const));
  const start = requests[0].at;
  const player = new Player({
    config,
    plugins: {
      get(section, type) {
        const plugin = registry.get(section, type);
        const notes = all.get(type);
        return plugin?.kind === "finder" && notes ? recorded(plugin, notes, live) : plugin;
      },
    },
    log: new Log({ ...config.service.telemetry.logs, level: "error" }),
    tap: {
      judged(batch, { detector, count, source, rarity, verdicts: { observed, expected } }) {
        const { time, duration } = batch.rows as unknown as { time: Float64Array; duration?: Float64Array };
        const notes = all.get(detector);
        if (!notes) return;
        for (let i = 0; i < count; i++) {
          const row = source[i];
          const end = time[row] + (duration?.[row] ?? 0);
          const strength = rarity[i] * effect(observed[i], expected[i]);
          if (strength >= 0) notes.add(serviceOf(batch.labels(row)), end, strength, 1);
        }
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
    await player.feed(signal, bytes, at, at);
    now = at;
  }
  for (let i = 0; i < AFTERWARDS; i += 1000) player.agent.tick(now + i);
  const calls = player.agent.view.calls();
  await player.stop();
  return { evidence: all, calls };
}

/** How much of the larger of the two is not in the other; 1 where nothing is expected. */
function effect(observed = Number.NaN, expected = Number.NaN): number {
  const [less, more] = [Math.min(observed, expected), Math.max(observed, expected)];
  return less > 0 ? 1 - less / more : 1;
}

const serviceOf = ({ resource }: Labels) => String(resource["service.name"] ?? "");

/** What a processor has said of services, by slice. */
export class Evidence {
  readonly #slices = new Map<number, Map<string, Noted>>();

  add(service: string, time: number, rarity: number, looks: number): void {
    const slice = Math.floor(time / SLICE);
    const services = this.#slices.get(slice) ?? new Map<string, Noted>();
    this.#slices.set(slice, services);
    const noted = services.get(service) ?? { rarest: 0, looks: 0 };
    services.set(service, noted);
    noted.rarest = Math.max(noted.rarest, rarity);
    noted.looks += looks;
  }

  /**
   * How rare what was said of each service is, in slices [from, to), at most `most`. The rarest of a thousand rows has a rarity
   * of 3 though nothing is wrong: that is taken off.
   */
  within(from: number, to: number, most: number): Map<string, number> {
    const all = new Map<string, Noted>();
    for (let slice = from; slice < to; slice++) {
      for (const [service, { rarest, looks }] of this.#slices.get(slice) ?? []) {
        const noted = all.get(service) ?? { rarest: 0, looks: 0 };
        all.set(service, { rarest: Math.max(noted.rarest, rarest), looks: noted.looks + looks });
      }
    }
    const left = ({ rarest, looks }: Noted) => rarest - Math.log10(Math.max(1, looks));
    return new Map([...all].map(([service, noted]) => [service, Math.min(most, Math.max(0, left(noted)))]));
  }
}

/** The finder, of which every finding is noted; where none is raised it judges on, and what it judges stays the same. */
function recorded(plugin: Extract<Plugin, { kind: "finder" }>, notes: Evidence, live: boolean): Plugin {
  return {
    ...plugin,
    create(config: never, host: Host, detection: Detection) {
      const recording: Detection = {
        allows: (labels) => detection.allows(labels),
        fingerprint: (...about) => detection.fingerprint(...about),
        lasts: (...about) => detection.lasts(...about),
        find(finding: Finding, batch, row) {
          const { labels, time, rarity, tried = 0, state, observed, expected } = finding;
          const strength = rarity * effect(observed, expected);
          const news = !live || rarity > tried;
          if (state !== "resolved" && news) notes.add(serviceOf(labels), time, strength, 0);
          return live && detection.find(finding, batch, row);
        },
      };
      return plugin.create(config, host, recording);
    },
  };
}
