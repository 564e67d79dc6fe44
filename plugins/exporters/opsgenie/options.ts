// The options of the opsgenie exporter.
import { z } from "vedette";
import { compressionLevel, headerKey, httpClientOptions, httpUrl, newsOptions } from "vedette/http";

const priority = (own: "P1" | "P2" | "P3" | "P4" | "P5") => z.enum(["P1", "P2", "P3", "P4", "P5"]).default(own);

const responder = z
  .object({
    type: z.enum(["team", "user", "escalation", "schedule"]).describe("What it is."),
    id: z.string().min(1).optional().describe("Its id."),
    name: z.string().min(1).optional().describe("Its name, of all but a user."),
    username: z.string().min(1).optional().describe("Its user name, of a user."),
  })
  .refine(({ id, name, username }) => [id, name, username].filter((one) => one !== undefined).length === 1, {
    error: "give one of id, name and username",
  });

export const options = z
  .object({
    api_key: headerKey().describe("Key of an API integration."),
    endpoint: httpUrl("https://api.opsgenie.com")
      .default("https://api.opsgenie.com")
      .describe(
        "Base URL; `/v2/alerts` is appended. In the European region `https://api.eu.opsgenie.com`, for Jira Service Management `https://api.atlassian.com/jsm/ops/integration`.",
      ),
    priorities: z
      .object({
        critical: priority("P1").describe("Of a critical anomaly."),
        warning: priority("P3").describe("Of a warning."),
        info: priority("P5").describe("Of an info."),
      })
      .prefault({})
      .describe("Priorities of our severities."),
    responders: z.array(responder).max(50).default([]).describe("Who is told; empty: as the integration says."),
    tags: z.array(z.string().min(1).max(50)).max(15).default([]).describe("Tags of every alert, beside our own."),
    ...newsOptions,
    ...httpClientOptions("none"),
  })
  .refine(compressionLevel.check, compressionLevel);

export type Options = z.output<typeof options>;
