// The laws that every plugin passes: ours in test/contract.test.ts, an author's in a test of theirs.
import type { Plugin, z } from "../api/index.ts";
import { checkOptions } from "../config/options.ts";
import { isError, type Problem } from "../config/problems.ts";
import { undescribed } from "../config/reference.ts";
import { readTree } from "../config/tree.ts";
import { type Constituent, compose, composedOptions } from "../pipeline/compose.ts";
import { manifestFault, optionsOf } from "../registry.ts";
import { checkComponent } from "./check_component.ts";
import { checkDetector } from "./check_detector.ts";
import type { LabelledRequest } from "./generate.ts";
import { type Places, withPlaces } from "./places.ts";

export type { Places };

/**
 * - splitting: the same rows in one batch or in many give the same scores and anomalies, bit for bit.
 * - memory: save, restore and go on is as going on; a recycled row is as a new one; no argument is kept.
 * - repeatability: the same rows give the same scores, whatever the clock and the dice of the process say.
 * - hostile values: nothing that a sender can write throws, or leaves state that is not finite.
 * - sense: what is planted in a labelled stream is ranked before the rest.
 * - manners: a manifest in order, every option described, unknown ones refused; start and stop in any order; a sender
 *   heeds its AbortSignal; a taken port is an error; what a finder resolves it has told to last until then.
 */
export type Law = "splitting" | "memory" | "repeatability" | "hostile values" | "sense" | "manners";

export interface Violation {
  readonly law: Law;
  readonly seen: string;
}

export interface CheckOptions {
  /** Options as a user writes them; for a plugin that listens or sends, by the place to do it. None: the defaults. */
  readonly config?: object | ((places: Places) => object);
  /** A labelled stream for a detector that finds what `generate` does not plant. */
  readonly stream?: Iterable<LabelledRequest<any>>;
  /** The detectors that a combination names in `config`, by that name; they run with their defaults. */
  readonly parts?: Readonly<Record<string, Plugin>>;
}

/** Every law that the plugin breaks; none when it is good. */
export async function checkPlugin(plugin: Plugin, options: CheckOptions = {}): Promise<Violation[]> {
  const fault = manifestFault(plugin);
  if (fault) return [{ law: "manners", seen: fault }];
  return withPlaces(async (places) => {
    const { config = {} } = options;
    const written = (at: Places) => (typeof config === "function" ? config(at) : config);
    const schema = optionsOf(plugin);
    const problems = read(schema, written(places)).problems.filter(isError);
    const violations: Violation[] = [
      ...manifestFlaws(plugin),
      ...undescribed(schema).map((path) => `option ${path} has no description`),
      ...problems.map(
        (problem) => `${options.config ? "the" : "without"} options: ${problem.path}: ${problem.message}`,
      ),
      ...(problems.length === 0 && takesAnything(schema, written(places)) ? ["an unknown option is not refused"] : []),
    ].map((seen) => ({ law: "manners", seen }));
    if (problems.length > 0) return violations;
    const parse = (at: Places) => read(schema, written(at)).value!;
    let more: Violation[];
    if (plugin.kind === "combination") {
      const detector = combined(plugin, parse(places), options.parts ?? {});
      more = checkDetector(detector.plugin, () => detector.parse(parse(places)), options.stream);
    } else if (plugin.kind === "detector") more = checkDetector(plugin, () => parse(places), options.stream);
    else more = await checkComponent(plugin, parse, places, differ(written, places));
    return [...violations, ...more];
  });
}

/** The combination as the detector that it becomes with its parts, and how the options of that are made. */
function combined(plugin: Plugin & { kind: "combination" }, options: object, parts: CheckOptions["parts"] & object) {
  const named = (): Constituent[] =>
    plugin.parts(options).map((id) => {
      const part = parts[id];
      if (part?.kind !== "detector") throw new Error(`no detector ${id} was given in the option parts of checkPlugin`);
      return { id, plugin: part as Constituent["plugin"], options: read(optionsOf(part), {}).value! };
    });
  const parse = (own: object) => composedOptions(own, named()) as Record<string, unknown>;
  return { plugin: compose(plugin, parse(options), named()), parse };
}

/** Throws an error that names every law the plugin breaks. */
export async function assertPlugin(plugin: Plugin, options?: CheckOptions): Promise<void> {
  const violations = await checkPlugin(plugin, options);
  if (violations.length === 0) return;
  const lines = violations.map(({ law, seen }) => `\n  ${law}: ${seen}`);
  throw new Error(`the plugin ${plugin.type} breaks ${violations.length} of the laws:${lines.join("")}`);
}

/** Parsed as the agent does it, from text. */
function read(schema: z.ZodObject, config: object): { value?: Record<string, unknown>; problems: Problem[] } {
  const problems: Problem[] = [];
  const tree = readTree(JSON.stringify(config), { file: "config", env: {}, problems });
  const at = { file: "config", line: 1, column: 1 };
  return { value: tree && checkOptions(schema, tree, [], at, problems), problems };
}

function takesAnything(schema: z.ZodObject, config: object): boolean {
  const { problems } = read(schema, { ...config, no_such_option: 1 });
  return !problems.some(({ code }) => code === "unknown-option");
}

const differ = (written: (at: Places) => object, places: Places) =>
  JSON.stringify(written(places)) !== JSON.stringify(written({ ...places, address: "127.0.0.1:1" }));

const STABILITY = ["experimental", "alpha", "beta", "stable"];

function manifestFlaws(plugin: Plugin): string[] {
  const flaws: string[] = [];
  const { summary, stability } = plugin;
  if (/\n/.test(summary) || summary.length > 120) flaws.push("its summary is not one line of at most 120 characters");
  if (!/^[A-Z].*\.$/s.test(summary)) flaws.push("its summary is not a sentence: a capital first, a full stop last");
  if (!STABILITY.includes(stability)) flaws.push(`its stability is ${stability}, not one of ${STABILITY.join(", ")}`);
  if (plugin.kind === "detector") {
    for (const type of [plugin.finds?.above, plugin.finds?.below, ...(plugin.finds?.more ?? [])]) {
      if (!/^[a-z][a-z0-9_]*$/.test(type ?? "")) flaws.push(`what it finds is called ${type}, not in snake_case`);
    }
  } else if (plugin.kind === "connector") {
    if (plugin.from.length === 0 || plugin.to.length === 0) flaws.push("it does not say what it takes and feeds");
  } else if (plugin.kind !== "extension" && plugin.signals.length === 0) flaws.push("it handles no signal");
  return flaws;
}
