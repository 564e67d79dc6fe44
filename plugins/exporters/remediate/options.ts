// What may be run, when, how often, and who must agree.
import { basename, isAbsolute } from "node:path";
import { condition, duration, extensionId, z } from "vedette";
import { compressionLevel, httpClientOptions, httpUrl } from "vedette/http";
import { placeholderProblem } from "./placeholders.ts";

/** What would interpret an argument as a program: an argument may hold what telemetry says. */
const INTERPRETERS = new Set("sh bash dash ash zsh ksh mksh fish csh tcsh busybox env xargs pwsh cmd.exe".split(" "));

const action = z
  .strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, { error: "a name has up to 64 letters, digits, _ and -" })
      .describe("What it is called in the audit, the log and the names of approvals."),
    condition: condition().describe("Which anomalies or incidents it is a remedy for."),
    command: z
      .array(z.string())
      .min(1)
      .optional()
      .describe(
        'What is run, one entry an argument: `["/usr/local/bin/restart", "--service", "{{service}}"]`. The first must be in `allow`.',
      ),
    webhook: httpUrl("https://automation.example.org/restart")
      .meta({ secret: true })
      .optional()
      .describe("Instead of a command: where the anomaly is posted, as JSON."),
    timeout: duration()
      .refine((time) => time >= 100 && time <= 3_600_000, { error: 'not from "100ms" to "1h"' })
      .prefault("30s")
      .describe("Longest that it may take; a command is then killed with all that it started."),
    cooldown: duration()
      .prefault("1h")
      .describe("Shortest time between two runs for the same service, or for the same series where there is none."),
    max_per_hour: z.int().positive().default(3).describe("Most runs of this action in an hour."),
    approval: z
      .enum(["none", "required"])
      .default("none")
      .describe("Whether a person must agree to each run first; see `approvals_directory`."),
  })
  .refine(({ command, webhook }) => (command === undefined) !== (webhook === undefined), {
    error: "an action has either a command or a webhook; write one of them",
  });

export type Action = z.output<typeof action>;

const shape = z.object({
  dry_run: z
    .boolean()
    .default(true)
    .describe("Whether it only says what it would do. Watch it for a while before you write false."),
  actions: z
    .array(action)
    .min(1)
    .describe("Remedies; all whose condition holds are tried, from the first to the last."),
  allow: z
    .array(z.string().refine(isAbsolute, { error: "not an absolute path; write all of it, from / on" }))
    .default([])
    .describe("Executables that actions may run, as absolute paths. No shell may be among them."),
  max_per_hour: z.int().positive().default(10).describe("Most runs of all actions together in an hour."),
  max_age: duration()
    .prefault("15m")
    .describe("How old an anomaly may be by its own time: telemetry that comes late says little about now."),
  approvals_directory: z
    .string()
    .min(1)
    .optional()
    .describe("Where runs that need approval are asked for and approved, as files; only for those who may."),
  approval_timeout: duration().prefault("30m").describe("How long an approval is waited for."),
  environment: z
    .array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: "not the name of a variable" }))
    .default([])
    .describe("Variables of the agent's own environment that commands get, beside PATH, LANG and TZ."),
  storage: extensionId("storage")
    .optional()
    .describe("Extension that keeps what was run, so that a restart does not run it again. Needed unless `dry_run`."),
  store: extensionId("anomaly_store").optional().describe("Extension that keeps the audit for people to read."),
  ...httpClientOptions("none"),
});

export type Options = z.output<typeof shape>;

export const options = shape
  .refine(compressionLevel.check, compressionLevel)
  .refine(({ dry_run, storage }) => dry_run || storage !== undefined, {
    path: ["storage"],
    error: "without dry_run it must be remembered what was run; name a storage, such as file_storage",
  })
  .superRefine(({ actions, allow, approvals_directory }, context) => {
    const problem = (path: readonly PropertyKey[], message: string) =>
      context.addIssue({ code: "custom", path: [...path], message });
    for (const [i, path] of allow.entries()) {
      if (INTERPRETERS.has(basename(path))) {
        problem(["allow", i], "it would interpret its arguments as a program; name a script of its own instead");
      }
    }
    for (const [i, { name, command, approval }] of actions.entries()) {
      const here = ["actions", i];
      if (actions.findIndex((other) => other.name === name) < i) {
        problem([...here, "name"], "another action has this name; give each its own");
      }
      if (approval === "required" && approvals_directory === undefined) {
        problem([...here, "approval"], "there is no place to approve; write approvals_directory");
      }
      for (const [j, argument] of command?.entries() ?? []) {
        const message = j === 0 ? notAllowed(argument, allow) : placeholderProblem(argument);
        if (message !== undefined) problem([...here, "command", j], message);
      }
    }
  });

function notAllowed(executable: string, allow: readonly string[]): string | undefined {
  if (allow.includes(executable)) return undefined;
  return "it is not in allow, the list of what may be run; add its absolute path there if it may";
}
