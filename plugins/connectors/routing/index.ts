// Sends each anomaly to the pipelines whose condition it meets: the pager at once, the archive always.
import { condition, defineConnector, pipelineId, z } from "vedette";
import { Router } from "./router.ts";

const route = z
  .strictObject({
    context: z
      .enum(["anomaly", "log", "resource"])
      .default("anomaly")
      .describe(
        'What `attributes["key"]` is of: the anomaly (`log` means the same, since that is what is sent of it), or its `resource`.',
      ),
    condition: condition().optional().describe("What must hold of an anomaly to take this route."),
    statement: condition().optional().describe("The same as `route() where CONDITION`; one of the two."),
    action: z
      .enum(["move", "copy"])
      .default("move")
      .describe("Whether what takes this route is done with (`move`), or tried on those below and the defaults too."),
    pipelines: z.array(pipelineId()).min(1).describe("Where it goes; each lists this connector among its receivers."),
  })
  .refine((route) => (route.condition === undefined) !== (route.statement === undefined), {
    error: "a route has either a condition or a statement; write one of them",
  });

export const options = z.object({
  table: z.array(route).min(1).describe("Routes, tried from the first to the last."),
  default_pipelines: z
    .array(pipelineId())
    .default([])
    .describe("Where goes what no route has moved; nowhere when there are none."),
  error_mode: z
    .enum(["ignore", "silent", "propagate"])
    .default("ignore")
    .describe(
      "As in the Collector; conditions on anomalies do not fail once they are read, so all three are the same.",
    ),
  match_once: z
    .literal(true, {
      error:
        'the first route that fits is taken, as in the Collector since 0.120; write "action: copy" in routes to go on',
    })
    .optional()
    .describe("From older configurations; always true."),
  max_open: z
    .int()
    .positive()
    .default(10_000)
    .describe(
      "Open anomalies of which is remembered who was told; beyond it the one that changed longest ago is forgotten.",
    ),
});

export type Options = z.output<typeof options>;

export default defineConnector({
  type: "routing",
  from: ["anomalies"],
  to: ["anomalies"],
  stability: "beta",
  summary: "Sends each anomaly to the pipelines whose condition it meets.",
  config: options,
  create: (config, _host, emit) => new Router(config, emit),
});
