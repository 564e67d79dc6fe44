// The options of the pagerduty exporter.
import { z } from "vedette";
import { compressionLevel, httpClientOptions, httpUrl, newsOptions } from "vedette/http";

const severity = (own: "critical" | "error" | "warning" | "info") =>
  z.enum(["critical", "error", "warning", "info"]).default(own);

export const options = z
  .object({
    routing_key: z
      .string()
      .min(1)
      .meta({ secret: true })
      .describe("Integration key of an Events API v2 integration, on a service or in event orchestration."),
    endpoint: httpUrl("https://events.pagerduty.com/v2/enqueue")
      .default("https://events.pagerduty.com/v2/enqueue")
      .describe("Where events go; in the European region `https://events.eu.pagerduty.com/v2/enqueue`."),
    severities: z
      .object({
        critical: severity("critical").describe("What a critical anomaly is."),
        warning: severity("warning").describe("What a warning is."),
        info: severity("info").describe("What an info is."),
      })
      .prefault({})
      .describe("PagerDuty's severities of ours."),
    ongoing_action: z
      .enum(["trigger", "acknowledge"])
      .default("trigger")
      .describe("With `send_ongoing`, what a change of an alert is that PagerDuty knows already."),
    client: z.string().min(1).default("Vedette").describe("What PagerDuty says the alert comes from."),
    client_url: httpUrl("https://dashboard.example.com").optional().describe("Where a click on that leads."),
    links: z
      .array(
        z.object({
          href: httpUrl("https://runbooks.example.com").describe("Where it leads."),
          text: z.string().optional().describe("What it is called."),
        }),
      )
      .default([])
      .describe("Links on every alert, for instance to a runbook."),
    ...newsOptions,
    ...httpClientOptions("none"),
  })
  .refine(compressionLevel.check, compressionLevel);

export type Options = z.output<typeof options>;
