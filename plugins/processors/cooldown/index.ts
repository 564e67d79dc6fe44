// Lets the first anomaly of a series through and holds back its repetitions for a while.
import { defineProcessor, duration, z } from "vedette";

/** What was passed last of each fingerprint, the one passed longest ago first. */
const savedPassed = z.object({ passed: z.array(z.tuple([z.string(), z.number(), z.number()])) });

export default defineProcessor({
  type: "cooldown",
  signals: ["anomalies"],
  stability: "beta",
  summary: "Passes one anomaly of a series in a period, unless a later one is clearly worse.",
  config: z.object({
    period: duration()
      .prefault("5m")
      .describe("How long an anomaly of the same detector and series is held back, in event time."),
    escalate: z
      .number()
      .min(1)
      .default(2)
      .describe(
        "One that scores this many times as high as the last one passed goes through at once; 1 lets everything worse pass.",
      ),
    max_series: z
      .int()
      .positive()
      .default(10_000)
      .describe("Series remembered; beyond it the one passed longest ago is forgotten."),
  }),
  create({ period, escalate, max_series }) {
    // in the order in which they were last passed: the first is the one to forget
    let passed = new Map<string, { time: number; score: number }>();
    return {
      process(anomalies) {
        const left = anomalies.filter(({ fingerprint, time, score }) => {
          const last = passed.get(fingerprint);
          if (last && Math.abs(time - last.time) < period && score < last.score * escalate) return false;
          passed.delete(fingerprint);
          if (passed.size >= max_series) passed.delete(passed.keys().next().value as string);
          passed.set(fingerprint, { time, score });
          return true;
        });
        return left.length > 0 ? left : undefined;
      },
      save() {
        const saved = Array.from(passed, ([fingerprint, { time, score }]) => [fingerprint, time, score] as const);
        // JSON knows no infinity
        const finite = saved.filter(([, time, score]) => Number.isFinite(time) && Number.isFinite(score));
        return Buffer.from(JSON.stringify({ passed: finite }));
      },
      load(bytes) {
        const saved = savedPassed.safeParse(JSON.parse(Buffer.from(bytes).toString()));
        if (!saved.success) throw new Error("holds no list of what cooldown has passed");
        const latest = saved.data.passed.slice(-max_series);
        passed = new Map(latest.map(([fingerprint, time, score]) => [fingerprint, { time, score }]));
      },
    };
  },
});
