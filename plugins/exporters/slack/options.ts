// The options of the slack exporter: an incoming webhook, or a bot that can change its messages.
import { z } from "vedette";
import { compressionLevel, headerKey, httpClientOptions, httpUrl, newsOptions } from "vedette/http";

export const options = z
  .object({
    webhook_url: httpUrl("https://hooks.slack.com/services/T000/B000/XXXX")
      .meta({ secret: true })
      .optional()
      .describe("URL of an incoming webhook: every change is a message of its own."),
    token: headerKey()
      .optional()
      .describe(
        "Bot token with the scope `chat:write`: an alert is one message, which changes with it. Wants `channel`.",
      ),
    channel: z
      .string()
      .min(1)
      .optional()
      .describe("Id of the channel, such as C0123456789, that the bot is a member of."),
    thread: z
      .boolean()
      .default(false)
      .describe(
        "With `token`: whether changes are told in the message's thread as well, which notifies those who follow it.",
      ),
    endpoint: httpUrl("https://slack.com/api")
      .default("https://slack.com/api")
      .describe("With `token`: base URL of Slack's Web API."),
    ...newsOptions,
    send_ongoing: z
      .boolean()
      .optional()
      .describe(
        "Whether every change of an alert that goes on is sent. Absent: with `token` they are, since a message that changes disturbs nobody.",
      ),
    ...httpClientOptions("none"),
  })
  .refine(compressionLevel.check, compressionLevel)
  .refine((o) => (o.webhook_url === undefined) !== (o.token === undefined), {
    path: ["webhook_url"],
    error: "give either webhook_url, or token and channel",
  })
  .refine((o) => (o.token === undefined) === (o.channel === undefined), {
    path: ["channel"],
    error: "goes with token: a webhook has a channel of its own, a bot needs to be told",
  });

export type Options = z.output<typeof options>;
