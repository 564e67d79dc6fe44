// Runs a configured command or webhook for matching incidents, under guard: dry-run by default, from a list, seldom, once, audited.
import { defineExporter } from "vedette";
import { options } from "./options.ts";
import { Remediator } from "./remediator.ts";

export default defineExporter({
  type: "remediate",
  summary: "Runs commands or webhooks as remedies for matching incidents, under guard.",
  stability: "alpha",
  signals: ["anomalies"],
  sends: false,
  acts: true,
  config: options,
  create: (config, host) => new Remediator(config, host),
});
