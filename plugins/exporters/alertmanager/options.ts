// The options of the alertmanager exporter: names and defaults of the Collector's, and how long an alert lasts.
import { duration, z } from "vedette";
import { compressionLevel, httpClientOptions, httpUrl } from "vedette/http";

export const options = z
  .object({
    endpoint: httpUrl("http://alertmanager:9093")
      .default("http://localhost:9093")
      .describe("Base URL of the Alertmanager; `/api/v2/alerts` is appended."),
    severity: z
      .string()
      .min(1)
      .optional()
      .describe("The `severity` label of every alert. Absent: the anomaly's own, `info`, `warning` or `critical`."),
    severity_attribute: z
      .string()
      .default("")
      .describe("Attribute of the row or its resource whose value, where it has it, is the `severity` label instead."),
    generator_url: z
      .string()
      .default("")
      .describe(
        "Where people find out more: `generatorURL` of every alert. Empty: none; a text that is no URL is not sent.",
      ),
    api_version: z
      .enum(["v2"], { error: "only v2: Alertmanager itself has no v1 any more" })
      .default("v2")
      .describe("Version of Alertmanager's API."),
    event_labels: z
      .array(z.string().min(1))
      .max(50)
      .default([])
      .describe(
        "Attributes of the row or its resource that become labels, dots as underscores; what does not change while an alert lasts.",
      ),
    resolve_timeout: duration()
      .prefault("5h")
      .describe(
        "How long an alert stays open in Alertmanager when nothing more is heard from the agent; longer than `repeat_interval` of `episodes`, so that a restart of the agent ends none.",
      ),
    resend_delay: duration()
      .prefault("1m")
      .describe("How often open alerts are sent again, so that an Alertmanager that lost them has them back."),
    ...httpClientOptions("none"),
  })
  .refine(compressionLevel.check, compressionLevel)
  .refine((o) => o.resend_delay > 0 && o.resolve_timeout > o.resend_delay, {
    path: ["resolve_timeout"],
    error: "must be longer than resend_delay, or open alerts end before they are sent again",
  });

export type Options = z.output<typeof options>;

/** Where alerts go: a path of `endpoint` stays before it. */
export function alertsUrl({ endpoint }: Pick<Options, "endpoint">): URL {
  const url = new URL(endpoint);
  url.pathname = `${url.pathname.replace(/\/+$/, "")}/api/v2/alerts`;
  return url;
}
