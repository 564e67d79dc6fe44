// Makes episodes of anomalies: one for what is about the same and follows each other, told when it opens, gets worse and is over.
import { defineProcessor, duration, packed, unpacked, z } from "vedette";
import { Episodes } from "./episodes.ts";
import { savedShape } from "./saved.ts";

const options = z.object({
  resolve_after: duration()
    .prefault("5m")
    .describe(
      "An episode is resolved when nothing was heard of it for so long; where its anomalies usually come further apart, up to 20m, after three times that.",
    ),
  cooldown: duration()
    .prefault("30m")
    .describe("An anomaly that comes so soon after an episode was resolved opens it again, under the same id."),
  repeat_interval: duration()
    .prefault("4h")
    .describe("How often an episode that goes on is told again, as `ongoing`; 0 is never."),
  escalate: z
    .number()
    .min(1)
    .default(2)
    .describe(
      "One that scores so many times as high as what was told last is told at once, as is one of a graver severity.",
    ),
  min_duration: duration()
    .prefault("0s")
    .describe("An episode is told once it has lasted so long; one that is critical is told at once."),
  min_count: z
    .int()
    .positive()
    .default(1)
    .describe(
      "An episode is told once it has so many anomalies; one that is critical, or is told when it is over by its detector, is told without.",
    ),
  max_episodes: z
    .int()
    .positive()
    .default(10_000)
    .describe("Episodes remembered; beyond it the one seen longest ago is resolved."),
});

export type Options = z.output<typeof options>;

export default defineProcessor({
  type: "episodes",
  signals: ["anomalies"],
  stability: "beta",
  summary: "Joins anomalies about the same into episodes that open, go on and are resolved.",
  config: options,
  create(options, host) {
    const episodes = new Episodes(options, host.log, host.now());
    const { meter } = host;
    const changes = meter.createCounter("vedette_episodes_changes", {
      unit: "{changes}",
      description: "Changes of episodes that went on, by state.",
    });
    meter
      .createObservableGauge("vedette_episodes_open", { unit: "{episodes}", description: "Episodes that are open." })
      .addCallback((result) => result.observe(episodes.open));
    return {
      process(anomalies) {
        const now = host.now();
        for (const anomaly of anomalies) episodes.take(anomaly, now);
        const told = episodes.told();
        for (const { state } of told) changes.add(1, { state });
        return told.length > 0 ? told : undefined;
      },
      lasts: (fingerprint, time) => episodes.lasts(fingerprint, time, host.now()),
      tick: (now) => episodes.tick(now),
      get due() {
        return episodes.due;
      },
      save: () => packed(episodes.save()),
      load: (bytes) => episodes.load(unpacked(bytes, savedShape, "episodes")),
    };
  },
});
