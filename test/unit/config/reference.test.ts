// What the documentation says about options is what their schemas say.
import assert from "node:assert/strict";
import test from "node:test";
import { byteSize, duration, z } from "../../../src/api/index.ts";
import { configSchema, optionTable, undescribed } from "../../../src/config/reference.ts";
import { service } from "../../../src/config/shape.ts";

test("a table has a row for every option, with units, choices and defaults as a user writes them", () => {
  const schema = z.object({
    timeout: duration().prefault("5s").describe("How long."),
    limit: byteSize().optional().describe("How much."),
    mode: z.enum(["a", "b", ""]).default("a").describe("One a|b."),
    endpoint: z.string().describe("Where."),
    on: z.boolean().default(true).describe("Whether."),
    share: z.number().min(0).max(1).default(0.5).describe("Part."),
    count: z.int().optional().describe("How many."),
    headers: z.record(z.string(), z.string()).default({}).describe("Sent."),
    either: z
      .union([z.string(), z.array(z.string())])
      .default([])
      .describe("Names."),
    tls: z
      .object({ insecure: z.boolean().default(false).describe("Plaintext.") })
      .nullable()
      .optional()
      .describe("Security."),
    group: z.object({ inner: z.object({ deep: z.literal("x").describe("Deep.") }) }).prefault({ inner: { deep: "x" } }),
    rules: z
      .array(z.object({ name: z.string().describe("Its\nname.") }))
      .default([])
      .describe("Rules."),
  });
  assert.equal(
    optionTable(schema),
    `| option | type | default | what it does |
|---|---|---|---|
| \`timeout\` | duration | \`5s\` | How long. |
| \`limit\` | size |  | How much. |
| \`mode\` | \`a\`, \`b\`, \`""\` | \`a\` | One a\\|b. |
| \`endpoint\` | text | required | Where. |
| \`on\` | boolean | \`true\` | Whether. |
| \`share\` | number | \`0.5\` | Part. |
| \`count\` | whole number |  | How many. |
| \`headers\` | map of text |  | Sent. |
| \`either\` | text or list of text | \`[]\` | Names. |
| \`tls\` | map |  | Security. |
| \`tls.insecure\` | boolean | \`false\` | Plaintext. |
| \`group.inner.deep\` | \`x\` | required | Deep. |
| \`rules\` | list of map | \`[]\` | Rules. |
| \`rules[].name\` | text | required | Its name. |`,
  );
});

test("an option without a description has no table", () => {
  const schema = z.object({
    said: z.string().describe("Yes."),
    silent: z.string(),
    group: z.object({ silent: z.number().default(1), said: z.number().describe("Yes.") }),
    rules: z.array(z.object({ silent: z.string() })).describe("Rules."),
    empty: z.object({}),
  });
  assert.deepEqual(undescribed(schema), ["silent", "group.silent", "rules[].silent", "empty"]);
  assert.throws(() => optionTable(schema), /without a description: silent, group\.silent/);
});

test("every option of the service is described", () => {
  assert.deepEqual(undescribed(service), []);
});

test("the JSON Schema names each component's options, refuses others and lets variables stand for scalars", () => {
  const config = z.object({
    alpha: z.number().min(0).default(0.5).describe("Weight."),
    mode: z.enum(["a", "b"]).optional(),
    path: z.string().startsWith("/").optional(),
    tree: z.json().optional(),
    open: z.looseObject({}).optional(),
  });
  const schema = configSchema([{ section: "processors", types: ["ewma"], summary: "Finds.", config }]) as any;
  const pattern = "\\$\\{|^[-+]?\\d+(_\\d+)+$";
  assert.deepEqual(schema.properties.receivers.patternProperties, {});
  assert.equal(schema.additionalProperties, false);
  assert.deepEqual(schema.properties.processors.patternProperties["^(ewma)(/.+)?$"], {
    description: "Finds.",
    type: ["object", "null"],
    properties: {
      alpha: { description: "Weight.", default: 0.5, type: ["number", "string"], minimum: 0, pattern },
      mode: { anyOf: [{ enum: ["a", "b"] }, { type: "string", pattern: "\\$\\{" }] },
      path: { type: "string", pattern: "(?:^\\/.*)|\\$\\{" },
      tree: { $ref: "#/$defs/processors.ewma.__schema0" },
      open: { type: ["object", "null"], properties: {}, additionalProperties: {} },
    },
    additionalProperties: false,
  });
  assert.deepEqual(Object.keys(schema.properties.service.properties), Object.keys(service.shape));
});
