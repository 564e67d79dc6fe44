// What alert services publish of the requests that they take, as JSON Schemas; compiled, each throws what is wrong.
import { readFileSync } from "node:fs";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";

const text = (most: number, least = 0) => ({ type: "string", minLength: least, maxLength: most });
const object = (required: readonly string[], properties: object) => ({
  type: "object",
  required,
  properties,
  additionalProperties: false,
});
const TIME = { type: "string", pattern: "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?Z$" };
const URI = { type: "string", pattern: "^https?://" };

/** Alertmanager's api/v2/openapi.yaml, `postableAlerts`; with what it checks beyond: names of labels, no empty values. */
const LABELS = {
  type: "object",
  minProperties: 1,
  propertyNames: { pattern: "^[a-zA-Z_][a-zA-Z0-9_]*$" },
  additionalProperties: text(4096, 1),
};
const alertmanager = {
  type: "array",
  minItems: 1,
  items: {
    ...object(["labels"], {
      labels: { ...LABELS, required: ["alertname"] },
      annotations: { ...LABELS, minProperties: 0, additionalProperties: text(4096) },
      startsAt: TIME,
      endsAt: TIME,
      generatorURL: { type: "string" },
    }),
  },
};

/** PagerDuty's reference/events-v2/openapiv3.json, with the limits that its documentation names. */
const KEY = { routing_key: text(32, 1), dedup_key: text(255, 1) };
const pagerduty = {
  oneOf: [
    object(["routing_key", "event_action", "dedup_key"], {
      ...KEY,
      event_action: { enum: ["acknowledge", "resolve"] },
    }),
    object(["routing_key", "event_action", "payload"], {
      ...KEY,
      event_action: { const: "trigger" },
      client: { type: "string" },
      client_url: URI,
      links: { type: "array", items: object(["href"], { href: URI, text: { type: "string" } }) },
      payload: object(["summary", "severity", "source"], {
        summary: text(1024, 1),
        source: text(255, 1),
        severity: { enum: ["critical", "error", "warning", "info"] },
        timestamp: TIME,
        component: { type: "string" },
        group: { type: "string" },
        class: { type: "string" },
        custom_details: { type: "object", additionalProperties: text(500, 1) },
      }),
    }),
  ],
};

/** Slack's Block Kit reference: the blocks that we use. */
const markup = (most: number) => ({
  oneOf: [
    object(["type", "text"], { type: { const: "mrkdwn" }, text: text(most, 1) }),
    object(["type", "text"], { type: { const: "plain_text" }, text: text(most, 1), emoji: { type: "boolean" } }),
  ],
});
const header = object(["type", "text"], { type: { const: "header" }, text: markup(150) });
const section = {
  ...object(["type"], {
    type: { const: "section" },
    text: markup(3000),
    fields: { type: "array", minItems: 1, maxItems: 10, items: markup(2000) },
  }),
  anyOf: [{ required: ["text"] }, { required: ["fields"] }],
};
const context = object(["type", "elements"], {
  type: { const: "context" },
  elements: { type: "array", minItems: 1, maxItems: 10, items: markup(2000) },
});
const slack = object(["text", "blocks"], {
  text: text(4000, 1),
  blocks: { type: "array", minItems: 1, maxItems: 50, items: { oneOf: [header, section, context] } },
  channel: text(80, 1),
  ts: { type: "string", pattern: "^\\d+\\.\\d+$" },
  thread_ts: { type: "string", pattern: "^\\d+\\.\\d+$" },
});

/** Opsgenie's Alert API: create, close and update priority. */
const opsgenie = object(["message"], {
  message: text(130, 1),
  alias: text(512, 1),
  description: text(15_000),
  responders: {
    type: "array",
    maxItems: 50,
    items: object(["type"], {
      type: { enum: ["team", "user", "escalation", "schedule"] },
      id: { type: "string" },
      name: { type: "string" },
      username: { type: "string" },
    }),
  },
  tags: { type: "array", maxItems: 20, items: text(50, 1) },
  details: { type: "object", additionalProperties: { type: "string" } },
  entity: text(512),
  source: text(100),
  priority: { enum: ["P1", "P2", "P3", "P4", "P5"] },
});
const opsgenieClose = object([], { user: text(100), source: text(100), note: text(25_000) });
/** Its calls that change one field of an open alert. */
const opsgeniePriority = object(["priority"], { priority: { enum: ["P1", "P2", "P3", "P4", "P5"] } });
const opsgenieMessage = object(["message"], { message: text(130, 1) });
const opsgenieDescription = object(["description"], { description: text(15_000, 1) });

/** Our own, as receivers are told of it. */
const webhook = JSON.parse(
  readFileSync(new URL("../plugins/exporters/webhook/alert.schema.json", import.meta.url), "utf8"),
);

const ajv = new Ajv2020({ strict: false, allErrors: true });

const checker = (schema: object) => {
  const validate: ValidateFunction = ajv.compile(schema);
  return (body: unknown): void => {
    if (!validate(body)) throw new Error(`${ajv.errorsText(validate.errors)}\n${JSON.stringify(body).slice(0, 2000)}`);
  };
};

export const published = {
  alertmanager: checker(alertmanager),
  pagerduty: checker(pagerduty),
  slack: checker(slack),
  opsgenie: checker(opsgenie),
  opsgenieClose: checker(opsgenieClose),
  opsgeniePriority: checker(opsgeniePriority),
  opsgenieMessage: checker(opsgenieMessage),
  opsgenieDescription: checker(opsgenieDescription),
  webhook: checker(webhook),
} as const;
