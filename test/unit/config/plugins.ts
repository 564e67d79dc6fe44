// A small set of plugins' schemas, and an environment, for the tests of the configuration.

import routing from "../../../plugins/connectors/routing/index.ts";
import { defineExtension, duration, extensionId, type Plugin, z } from "../../../src/api/index.ts";
import type { Section } from "../../../src/config/id.ts";

const endpoint = z.string().describe("Where to listen.");
const rule = z.object({
  metric: z.string().min(1).describe("Glob of metric names."),
  mode: z.enum(["include", "exclude"]).default("include").describe("What a match does."),
});

/** Extensions that others may name. */
const extensions: Readonly<Record<string, Plugin>> = {
  password: defineExtension({
    type: "password",
    summary: "",
    stability: "stable",
    offers: ({ server }) => [server ? "server_auth" : "client_auth"],
    config: z.object({ server: z.boolean().default(false).describe("Whether it checks passwords.") }),
    create: () => ({}),
  }),
  store: defineExtension({
    type: "store",
    summary: "",
    stability: "stable",
    offers: ["storage"],
    config: z.object({ auth: extensionId("server_auth").optional().describe("Who may look.") }),
    create: () => ({}),
  }),
};

const schemas: Record<Section, Record<string, z.ZodObject | undefined>> = {
  receivers: {
    otlp: z.object({
      protocols: z
        .object({
          grpc: z
            .object({
              endpoint: endpoint.default("127.0.0.1:4317"),
              max_recv_msg_size_mib: z.int().min(1).max(64).default(4).describe("Largest request."),
            })
            .optional(),
          http: z.object({ endpoint: endpoint.default("127.0.0.1:4318") }).optional(),
        })
        .describe("Protocols to serve."),
    }),
  },
  processors: {
    ewma: z.object({
      alpha: z.number().gt(0).lt(1).default(0.05).describe("Weight of the newest point."),
      warmup: duration().prefault("5m").describe("How long it only learns."),
      match: z.array(rule).default([]).describe("Which metrics it sees."),
    }),
    cooldown: z.strictObject({ quiet: duration().describe("Time without a repeat.") }),
    broken: undefined,
  },
  connectors: { count: z.object({}), sum: z.object({}), routing: routing.config },
  exporters: {
    otlp_http: z.object({
      endpoint: z.url({ protocol: /^https?$/ }).describe("Where to send."),
      compression: z.enum(["gzip", "zstd", "none"]).default("gzip").describe("How bodies are compressed."),
      headers: z.record(z.string(), z.string()).default({}).meta({ secret: true }).describe("Sent with each request."),
      token: z.string().min(20).meta({ secret: true }).optional().describe("Bearer token."),
      auth: z.object({ authenticator: extensionId("client_auth").describe("Who it is.") }).optional(),
      storage: z.array(extensionId("storage").nullable()).optional().describe("Where it keeps things."),
    }),
    debug: z.object({ verbosity: z.union([z.enum(["basic", "detailed"]), z.boolean()]).default("basic") }),
  },
  extensions: {
    health_check: z.object({ port: z.int().min(1).max(65535).default(13133) }),
    ...Object.fromEntries(Object.entries(extensions).map(([type, { config }]) => [type, config])),
  },
};

export const known = Object.fromEntries(
  Object.entries(schemas).map(([section, types]) => [section, Object.keys(types)]),
) as unknown as Record<Section, string[]>;

export const schemaOf = (section: Section, type: string) => schemas[section][type];

/** For the check of how components fit together: of extensions only. */
export const registry = {
  get: (section: Section, type: string) => (section === "extensions" ? extensions[type] : undefined),
};

export const environment = { PORT: "4317", TOKEN: "hunter2-hunter2", DIGITS: "0123", LIST: "[a, b]", EMPTY: "" };
