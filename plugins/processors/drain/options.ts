// The options of drain: by the names of the Collector's drain processor where it has the thing, older names included.
import { duration, z } from "vedette";

/** Templates that are known at once where the user does not say. */
export const MOST_TEMPLATES = 4096;

const WITHOUT_TREE = "Accepted as in the Collector, and without effect: lines are found by a key, there is no tree.";
const depth = () => z.int().min(3, "a tree has at least 3 levels; leave it out, it has no effect here");
const share = () => z.number().min(0).max(1);
const children = () => z.int().nonnegative();

export const options = z
  .object({
    tree_depth: depth().default(4).describe(WITHOUT_TREE),
    log_cluster_depth: depth().optional().describe("Older name of `tree_depth`."),
    merge_threshold: share()
      .default(0.4)
      .describe("Share of the words of a line that must be the same for it to be merged with others into a template."),
    sim_threshold: share().optional().describe("Older name of `merge_threshold`."),
    max_node_children: children().default(100).describe(WITHOUT_TREE),
    max_children: children().optional().describe("Older name of `max_node_children`."),
    max_clusters: z
      .int()
      .min(0)
      .max(1_000_000)
      .default(0)
      .describe(
        `Most templates that are known at once; beyond it those not seen for longest are forgotten. 0 is ${MOST_TEMPLATES}.`,
      ),
    extra_delimiters: z
      .array(
        z
          .string()
          .regex(
            /^[!-/:-@[-`{-~]+$/,
            'is not ASCII punctuation, which is all that can divide words here beside blanks; write such as "," or "->"',
          ),
      )
      .default([])
      .describe(
        "Punctuation that divides words beside blanks and the usual brackets, quotes and marks; of several characters each does.",
      ),
    body_field: z
      .string()
      .default("")
      .describe(
        "Key of a map body whose value is mined instead of the whole; bodies without it are mined as they are.",
      ),
    template_attribute: z
      .string()
      .min(1)
      .default("log.record.template")
      .describe("Attribute that the template is written to."),
    seed_templates: z
      .array(z.string())
      .default([])
      .describe("Templates to start with, each parameter as `<*>`. Not used where templates were saved."),
    seed_logs: z
      .array(z.string())
      .default([])
      .describe("Example lines that are mined before any other. Not used where templates were saved."),
    warmup_min_clusters: z
      .int()
      .nonnegative()
      .default(0)
      .describe("Records are annotated once so many templates are known; 0: from the first one on."),
    warmup_mode: z
      .literal(
        "passthrough",
        "records are never held back here; write passthrough, which leaves the first ones unannotated until warmup_min_clusters templates are known",
      )
      .default("passthrough")
      .describe("Only `passthrough`: records before the warm-up is over go on without a template."),
    warmup_buffer_max_logs: z
      .int()
      .nonnegative()
      .optional()
      .describe("Accepted as in the Collector, and without effect: no records are held back."),
    storage: z
      .string()
      .optional()
      .describe(
        "Accepted as in the Collector, and without effect: `service.state` keeps the templates of every drain.",
      ),
    save_interval: duration()
      .optional()
      .describe(
        "Accepted as in the Collector, and without effect: `service.state.interval` says how often templates are saved.",
      ),
    emit_wildcards: z
      .boolean()
      .default(false)
      .describe("Also write what stands in the place of each parameter to `wildcards_attribute`."),
    wildcards_attribute: z
      .string()
      .min(1)
      .default("log.record.template.wildcards")
      .describe("List of texts that `emit_wildcards` writes."),
    extract_parameters: z
      .boolean()
      .default(false)
      .describe("Older name of `emit_wildcards`; writes to `log.record.template.params`."),
    annotate: z
      .enum(["attributes", "none"])
      .default("attributes")
      .describe("Whether the template is written on each record; processors behind know it in any case."),
    hide_parameters: z
      .boolean()
      .default(false)
      .describe(
        "Keep what stands in the place of parameters out of anomalies: they have the template, and no example.",
      ),
  })
  .refine(({ storage, save_interval }) => save_interval === undefined || storage !== undefined, {
    path: ["save_interval"],
    error: "requires storage, in the Collector; here leave it out and set service.state.interval",
  });

export type Options = z.output<typeof options>;

/** Options that were written and do nothing here, with what to do instead. */
export function withoutEffect(options: Options): string[] {
  const written: string[] = [];
  const tree = options.tree_depth !== 4 || options.log_cluster_depth !== undefined;
  const children = options.max_node_children !== 100 || options.max_children !== undefined;
  if (tree) written.push("tree_depth has no effect: lines are found by a key, there is no tree");
  if (children) written.push("max_node_children has no effect: lines are found by a key, there is no tree");
  if (options.storage !== undefined)
    written.push("storage has no effect: service.state.directory says where templates are kept");
  if (options.save_interval !== undefined) written.push("save_interval has no effect: set service.state.interval");
  if (options.warmup_buffer_max_logs !== undefined)
    written.push("warmup_buffer_max_logs has no effect: no records are held back");
  return written;
}
