// The shape of a configuration: what is fixed in it, and the checked values that the agent is built from.
import { z } from "zod";
import { duration } from "../api/index.ts";
import { telemetry } from "../observe/options.ts";
import type { Draft } from "./file.ts";
import { type ComponentId, oneOf, parseId, SECTIONS, type Section, singular } from "./id.ts";
import { checkOptions, type ExtensionReference } from "./options.ts";
import { checkPipelines, type PipelineConfig } from "./pipelines.ts";
import { didYouMean, isError, type Location, type Problem, pathText, quoted } from "./problems.ts";
import type { Branch } from "./tree.ts";

export interface ComponentConfig extends ComponentId {
  readonly section: Section;
  /** As the plugin's schema made them. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Extensions that it names in its options. */
  readonly references: readonly ExtensionReference[];
  /** Of the component's key. */
  readonly location: Location;
}

/** Components by id, in the order written. */
export type Config = Readonly<Record<Section, ReadonlyMap<string, ComponentConfig>>> & {
  readonly service: Omit<z.output<typeof service>, "pipelines"> & { readonly pipelines: readonly PipelineConfig[] };
};

const ids = (what: string) => z.array(z.string()).default([]).describe(what);

/** The options under `service`. */
export const service = z.object({
  extensions: ids("Extensions to start, in this order."),
  pipelines: z
    .record(
      z.string(),
      z.object({
        receivers: ids(
          "Receivers and connectors that feed it. A pipeline of anomalies is fed by all detectors, unless connectors stand here.",
        ),
        processors: ids("Processors that its data passes, in this order."),
        exporters: ids("Exporters and connectors that it feeds."),
      }),
    )
    .default({})
    .describe("Pipelines by signal, or signal/name: metrics, traces, logs, anomalies."),
  telemetry: telemetry.prefault({}).describe("How the agent reports on itself."),
  state: z
    .object({
      directory: z
        .string()
        .min(1)
        .optional()
        .describe("Where models are kept across restarts, of this agent alone; absent: they are not."),
      interval: duration()
        .refine((milliseconds) => milliseconds >= 1000 && milliseconds < 2 ** 31, { error: "write 1s to 24d" })
        .prefault("5m")
        .describe("How often models are saved, beside at the end."),
    })
    .prefault({})
    .describe("What detectors and processors have learnt, on disk."),
  shutdown_timeout: duration().prefault("10s").describe("How long a stopping agent waits for its queues to drain."),
  traces: z
    .object({
      idle_timeout: duration()
        .refine((milliseconds) => milliseconds >= 1000 && milliseconds <= 600_000, { error: "write 1s to 10m" })
        .prefault("10s")
        .describe("A trace is complete when no span of it came for so long."),
      max_traces: z
        .int()
        .min(1)
        .default(20_000)
        .describe("Traces put together at a time; beyond it the one that was longest not added to is taken as it is."),
      max_spans: z
        .int()
        .min(1)
        .default(400_000)
        .describe("Spans of all of them together, at about 120 bytes each; beyond it as with `max_traces`."),
    })
    .prefault({})
    .describe("How traces are put together, for the processors that look at whole ones."),
  max_series: z
    .int()
    .min(1)
    .default(1_000_000)
    .describe("Series remembered for each signal; beyond it one that is new, or was not seen for an hour, makes room."),
});

const topLevel = z.looseObject({ plugins: z.array(z.string().min(1)).optional() });

const TOP_LEVEL = [...SECTIONS, "service", "plugins"];

/**
 * Checks everything at once. `known` are the types of each section; `schemaOf` gives the schema of a known one, or undefined
 * where the module failed to load, which is the registry's to report. `problems` are those of the draft and of this check in
 * the order of the text; `config` is there unless one of them is an error.
 */
export function checkConfig(
  draft: Draft,
  schemaOf: (section: Section, type: string) => z.ZodObject | undefined,
  known: Readonly<Record<Section, readonly string[]>>,
): { config?: Config; problems: Problem[] } {
  const problems = [...draft.problems];
  if (!draft.complete) return { problems: inOrder(problems, draft.files) };

  const { entries, at: start } = draft.root;
  for (const [key, { at }] of entries) {
    if (TOP_LEVEL.includes(key)) continue;
    const message = `no such section.${didYouMean(key, TOP_LEVEL) || ` There are: ${TOP_LEVEL.join(", ")}.`}`;
    problems.push({ ...at, code: "unknown-section", path: pathText([key]), message });
  }

  checkOptions(topLevel, draft.root, [], start, problems);

  const sections = {} as Record<Section, Map<string, ComponentConfig>>;
  const defined = {} as Record<Section, Map<string, Location>>;
  for (const section of SECTIONS) {
    sections[section] = new Map();
    defined[section] = new Map();
    for (const [key, { at, value }] of mapAt(draft.root, section, problems)?.entries ?? []) {
      const path = [section, key];
      const id = identify(section, key, at, known, defined[section], problems);
      const schema = id && schemaOf(section, id.type);
      const references: ExtensionReference[] = [];
      const options = schema && checkOptions(schema, value, path, at, problems, references);
      if (id && options) sections[section].set(id.id, { ...id, section, options, references, location: at });
    }
  }

  const written = entries.get("service");
  const body = written?.value ?? { kind: "leaf", value: null, secret: false, at: start };
  const options = checkOptions(service, body, ["service"], written?.at ?? start, problems);
  const pipelines = checkPipelines(body, written?.at ?? start, defined, problems);

  const parts = new Set(partsIn(sections));
  const used = problems.filter(({ code, path }) => code !== "unused-component" || !parts.has(path));
  problems.splice(0, problems.length, ...used);
  const sorted = inOrder(problems, draft.files);
  if (!options || problems.some(isError)) return { problems: sorted };
  const extensions = options.extensions.map((id) => (parseId(id) as ComponentId).id);
  return { config: { ...sections, service: { ...options, extensions, pipelines } }, problems: sorted };
}

/** The paths of detectors that others are made of, which no pipeline need list. */
function partsIn({ processors }: Record<Section, ReadonlyMap<string, ComponentConfig>>): string[] {
  const references = [...processors.values()].flatMap(({ references }) => references);
  return references.filter(({ capability }) => capability === "detector").map(({ id }) => pathText(["processors", id]));
}

/** The id in a component's key, if its type is known; adds it to `defined` in any case. */
function identify(
  section: Section,
  key: string,
  at: Location,
  known: Readonly<Record<Section, readonly string[]>>,
  defined: Map<string, Location>,
  problems: Problem[],
): ComponentId | undefined {
  const add = (code: string, message: string): undefined => {
    problems.push({ ...at, code, path: pathText([section, key]), message });
  };
  const id = parseId(key);
  if (typeof id === "string") return add("invalid-id", id + didYouMean(key, known[section]).replace(/^ /, ". "));
  const before = defined.get(id.id);
  if (before) {
    const remedy = `give one of them a name: ${id.type}/name`;
    return add("duplicate-id", `${quoted(id.id)} is defined before, on line ${before.line}; ${remedy}`);
  }
  defined.set(id.id, at);
  if (known[section].includes(id.type)) return id;
  const { code, message } = unknownType(section, id.type, known);
  return add(code, message);
}

function mapAt(root: Branch, key: string, problems: Problem[]): Branch | undefined {
  const entry = root.entries.get(key);
  if (!entry || entry.value.kind === "map") return entry?.value as Branch | undefined;
  if (entry.value.kind === "leaf" && (entry.value.value === null || entry.value.value === undefined)) return undefined;
  const message = `expected a map of components, such as "${key}: {otlp: {}}"`;
  problems.push({ ...entry.value.at, code: "wrong-type", path: key, message });
  return undefined;
}

/** Types that the Collector has given another name, with other options. */
const RENAMED: Partial<Record<Section, Readonly<Record<string, string>>>> = { exporters: { logging: "debug" } };

function unknownType(section: Section, type: string, known: Readonly<Record<Section, readonly string[]>>) {
  const home = SECTIONS.find((other) => known[other].includes(type));
  if (home) {
    return { code: "misplaced-component", message: `${type} is ${oneOf(home)}: move it to "${home}"` };
  }
  const unknown = `there is no ${singular(section)} of type ${quoted(type)}.`;
  const successor = RENAMED[section]?.[type];
  if (successor) return { code: "unknown-component", message: `${unknown} Its name is ${quoted(successor)} now.` };
  const close = didYouMean(type, known[section]);
  if (close) return { code: "unknown-component", message: unknown + close };
  const elsewhere = SECTIONS.find((other) => didYouMean(type, known[other]));
  const hint = elsewhere
    ? `${didYouMean(type, known[elsewhere])} That is ${oneOf(elsewhere)}.`
    : ' "vedette components" lists them all; one of another package must be named under "plugins".';
  return { code: "unknown-component", message: unknown + hint };
}

/** As a reader meets them: file by file, from top to bottom. */
function inOrder(problems: Problem[], files: readonly string[]): Problem[] {
  return problems.sort(
    (a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column,
  );
}
