// my_plugin: lets through only the anomalies that score at least so high.
import { defineProcessor, z } from "vedette";

export default defineProcessor({
  type: "my_plugin",
  signals: ["anomalies"],
  stability: "experimental",
  summary: "Passes anomalies that score at least so high.",
  config: z.object({
    min_score: z.number().nonnegative().default(2).describe("Least score that passes; 1 is the detector's own line."),
  }),
  create({ min_score }) {
    return {
      process(anomalies) {
        const left = anomalies.filter(({ score }) => score >= min_score);
        return left.length > 0 ? left : undefined;
      },
    };
  },
});
