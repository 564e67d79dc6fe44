// Drops anomalies for which a condition holds; of what it has passed, the end is passed as well.
import { type Anomaly, condition, defineProcessor, packed, parseCondition, unpacked, z } from "vedette";

/** By id of what is open whether it was passed, the one that changed longest ago first. */
const savedShape = z.object({ passed: z.array(z.tuple([z.string(), z.boolean()])) });

/** Whether it is followed by others of its id until it is resolved. */
const lasts = ({ episode, untilResolved }: Anomaly) => episode !== undefined || untilResolved === true;

export default defineProcessor({
  type: "filter",
  signals: ["anomalies"],
  stability: "beta",
  summary: "Drops anomalies for which a condition holds.",
  config: z.object({
    error_mode: z
      .enum(["ignore", "silent", "propagate"])
      .default("propagate")
      .describe("As in the Collector; conditions on anomalies cannot fail, so that it changes nothing."),
    anomalies: z
      .array(condition())
      .default([])
      .describe("Anomalies for which any of these conditions holds are dropped."),
    max_open: z
      .int()
      .positive()
      .default(10_000)
      .describe("Open episodes and incidents remembered; beyond it the one that changed longest ago is forgotten."),
  }),
  create({ anomalies: conditions, max_open }, host) {
    const asked = conditions.map(parseCondition);
    const dropped = host.meter.createCounter("vedette_filter_dropped_anomalies", {
      unit: "{anomalies}",
      description: "Anomalies, and changes of episodes and incidents, that a condition dropped.",
    });
    let passed = new Map<string, boolean>();

    /** What goes on of it. */
    function filtered(anomaly: Anomaly): Anomaly | undefined {
      const { id, state } = anomaly;
      const before = passed.get(id);
      passed.delete(id);
      const drops = asked.some(({ holds }) => holds(anomaly));
      if (state === "resolved") return (before ?? !drops) ? anomaly : undefined;
      if (lasts(anomaly)) {
        if (passed.size >= max_open) passed.delete(passed.keys().next().value as string);
        passed.set(id, before === true || !drops);
      }
      if (drops) return undefined;
      return state === "ongoing" && before !== true ? { ...anomaly, state: "open" } : anomaly;
    }

    return {
      process(anomalies) {
        const left = anomalies.flatMap((anomaly) => filtered(anomaly) ?? []);
        if (left.length < anomalies.length) dropped.add(anomalies.length - left.length);
        return left.length > 0 ? left : undefined;
      },
      save: () => packed({ passed: [...passed] }),
      load(bytes) {
        passed = new Map(unpacked(bytes, savedShape, "filter").passed.slice(-max_open));
      },
    };
  },
});
