// The options of the webhook exporter, and what is wrong with them together.
import { z } from "vedette";
import { compressionLevel, httpClientOptions, httpUrl, newsOptions } from "vedette/http";
import { Template } from "./template.ts";

export const options = z
  .object({
    url: httpUrl("https://hooks.example.com/alerts")
      .meta({ secret: true })
      .describe("Where alerts go. Its path is not logged, since it is often the key."),
    method: z.enum(["POST", "PUT", "PATCH"]).default("POST").describe("The method of each request."),
    body: z
      .string()
      .superRefine((text, context) => {
        const problem = Template.problem(text);
        if (problem !== undefined) context.addIssue({ code: "custom", message: problem });
      })
      .optional()
      .describe(
        "JSON with `{{reason}}`, `{{labels.resource.service.name}}` and the like in it, which stand for fields of the alert. Absent: the whole alert.",
      ),
    batch: z
      .boolean()
      .default(false)
      .describe("Whether alerts that come together are sent as one list; else each has a request."),
    secret: z
      .string()
      .min(1)
      .meta({ secret: true })
      .optional()
      .describe("Signs each request: `X-Vedette-Signature` is an HMAC of its time and body. Absent: not signed."),
    ...newsOptions,
    ...httpClientOptions("none"),
  })
  .refine(compressionLevel.check, compressionLevel);

export type Options = z.output<typeof options>;
