// Says how much anomalies, episodes and incidents matter: by score, by how long they last and how many services they take, or by the user's rules.
import { condition, defineProcessor, duration, packed, unpacked, z } from "vedette";
import { Judge, savedShape } from "./judge.ts";

const severity = z.enum(["info", "warning", "critical"]);

const options = z.object({
  rules: z
    .array(
      z.strictObject({
        condition: condition().describe(
          'A comparison, as in routing tables: `type == "absence" and duration > Duration("10m")`.',
        ),
        severity: severity.describe("What it then is."),
      }),
    )
    .default([])
    .describe(
      "Asked in order; the first whose condition holds says the severity. Where none holds, the options below do.",
    ),
  warning: z.number().positive().default(1.25).describe("Score from which it is a warning; 1 is the detector's line."),
  critical: z.number().positive().default(2).describe("Score from which it is critical."),
  raise_after: duration().prefault("15m").describe("What goes on for so long is raised one step; 0 is never."),
  raise_services: z
    .int()
    .nonnegative()
    .default(3)
    .describe("An incident of so many services is raised one step; 0 is never."),
  max_open: z
    .int()
    .positive()
    .default(10_000)
    .describe("Open episodes and incidents remembered; beyond it the one that changed longest ago is forgotten."),
});

export type Options = z.output<typeof options>;

export default defineProcessor({
  type: "severity",
  signals: ["anomalies"],
  stability: "beta",
  summary: "Rewrites how much anomalies matter, by score, duration, breadth and rules.",
  config: options,
  create(options, host) {
    const judge = new Judge(options);
    return {
      process(anomalies) {
        const now = host.now();
        for (const anomaly of anomalies) judge.take(anomaly, now);
        const told = judge.told();
        return told.length > 0 ? told : undefined;
      },
      found: (anomaly) => judge.heard.found(anomaly, host.now()),
      lasts: (fingerprint) => judge.heard.lasts(fingerprint, host.now()),
      tick: (now) => judge.tick(now),
      get due() {
        return judge.due;
      },
      save: () => packed(judge.save()),
      load: (bytes) => judge.load(unpacked(bytes, savedShape, "severity")),
    };
  },
});
