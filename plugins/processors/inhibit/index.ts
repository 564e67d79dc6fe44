// Holds back anomalies that nobody should be told of now: in maintenance, after a deployment, beside a graver one. What lasts is told afterwards.
import { defineProcessor, duration, z } from "vedette";
import { deploymentOptions } from "./deployments.ts";
import { Inhibitor } from "./inhibitor.ts";
import { ruleOptions } from "./rules.ts";
import { windowOptions } from "./windows.ts";

export const options = z.object({
  mode: z
    .enum(["drop", "lower"])
    .default("drop")
    .describe(
      "What becomes of anomalies that are held back: they are not told (`drop`), or told as `info` with why (`lower`).",
    ),
  windows: z.array(windowOptions).default([]).describe("Maintenance windows."),
  deployments: deploymentOptions.optional().describe("Holds back after deployments. Off unless given."),
  inhibit_rules: z
    .array(ruleOptions)
    .default([])
    .describe("While an anomaly that meets `source` is open, those that meet `target` are held back."),
  resolve_timeout: duration()
    .prefault("5m")
    .describe("How long an anomaly that is neither episode nor incident counts as open after it was heard of."),
  max_open: z
    .int()
    .positive()
    .default(10_000)
    .describe("Open anomalies remembered; of those held back, the one that changed longest ago is then told at once."),
});

export type Options = z.output<typeof options>;

export default defineProcessor({
  type: "inhibit",
  signals: ["anomalies"],
  stability: "beta",
  summary: "Holds back anomalies during maintenance, after deployments and beside graver ones.",
  config: options,
  create: (config, host) => new Inhibitor(config, host),
});
