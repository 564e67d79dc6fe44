// Checks that every pipeline, and the list of extensions, refers to components that exist and fit where they stand.
import type { Signal } from "../api/index.ts";
import { oneOf, parseId, SECTIONS, type Section } from "./id.ts";
import { didYouMean, type Location, type Problem, pathText, quoted } from "./problems.ts";
import type { Tree } from "./tree.ts";

export interface PipelineConfig {
  /** "metrics", "metrics/slow". */
  readonly id: string;
  readonly signal: Signal;
  /** Component ids. A connector may be among the exporters of some pipelines and the receivers of others. */
  readonly receivers: readonly string[];
  readonly processors: readonly string[];
  readonly exporters: readonly string[];
  /** Of the pipeline's key. */
  readonly location: Location;
}

/** Where each component is defined: its key's place, by id. */
export type Defined = Readonly<Record<Section, ReadonlyMap<string, Location>>>;

type Role = "receivers" | "processors" | "exporters" | "extensions";
type Path = readonly PropertyKey[];

/** What a pipeline may be named for. */
export const SIGNALS: readonly string[] = ["metrics", "traces", "logs", "anomalies"] satisfies Signal[];

/** Which sections the entries of each list come from. */
const HOMES: Readonly<Record<Role, readonly Section[]>> = {
  receivers: ["receivers", "connectors"],
  processors: ["processors"],
  exporters: ["exporters", "connectors"],
  extensions: ["extensions"],
};

/** What is written under `service`, whose key is at `at`; where a type is wrong, its schema says so and this does not. */
export function checkPipelines(service: Tree, at: Location, defined: Defined, problems: Problem[]): PipelineConfig[] {
  const wiring = new Wiring(defined, problems);
  wiring.ambiguous();
  const entries = service.kind === "map" ? service.entries : new Map<string, never>();
  wiring.list("extensions", entries.get("extensions")?.value, ["service", "extensions"]);
  const written = entries.get("pipelines");
  const pipelines: PipelineConfig[] = [];
  if (written?.value.kind === "map") {
    for (const [key, { at, value }] of written.value.entries) {
      const pipeline = wiring.pipeline(key, at, value);
      if (pipeline) pipelines.push(pipeline);
    }
  }
  if (isEmpty(service) || (service.kind === "map" && (!written || isEmpty(written.value)))) {
    const message = 'there is no pipeline, so nothing would run; write one under "service: pipelines:"';
    wiring.add(written?.at ?? at, "no-pipelines", ["service", "pipelines"], message);
    return pipelines;
  }
  if (wiring.resolved && written?.value.kind === "map") {
    wiring.halves();
    wiring.cycle(pipelines);
    wiring.unused();
  }
  return pipelines;
}

const isEmpty = (tree: Tree) =>
  tree.kind === "map" ? tree.entries.size === 0 : tree.kind === "leaf" && tree.value === null;

class Wiring {
  readonly #defined: Defined;
  readonly #problems: Problem[];
  readonly #used = new Set<string>();
  /** Every entry of every list is a component that exists; until then none can be called unused. */
  resolved = true;
  readonly #pipelines = new Map<string, Location>();
  /** Where each connector first stands, by id. */
  readonly #connectors = { receivers: new Map<string, Placed>(), exporters: new Map<string, Placed>() };

  constructor(defined: Defined, problems: Problem[]) {
    this.#defined = defined;
    this.#problems = problems;
  }

  add(at: Location, code: string, path: Path, message: string, severity?: "warning"): void {
    const { file, line, column } = at;
    this.#problems.push({ file, line, column, code, path: pathText(path), message, ...(severity && { severity }) });
  }

  /** A connector may not share its id with what could stand in the same list. */
  ambiguous(): void {
    for (const [id, at] of this.#defined.connectors) {
      const twin = (["receivers", "exporters"] as const).find((section) => this.#defined[section].has(id));
      if (!twin) continue;
      const message = `${oneOf(twin)} has the same id, so a pipeline could mean either; give one of them a name: type/name`;
      this.add(at, "ambiguous-id", ["connectors", id], message);
    }
  }

  pipeline(key: string, location: Location, body: Tree): PipelineConfig | undefined {
    const path = ["service", "pipelines", key];
    const id = parseId(key);
    if (typeof id === "string" || !SIGNALS.includes(id.type)) {
      const hint = didYouMean(key.split("/")[0], SIGNALS);
      const message = `a pipeline is named for its signal: ${SIGNALS.join(", ")}, or signal/name.${hint}`;
      this.add(location, "unknown-signal", path, message);
    } else if (this.#pipelines.has(id.id)) {
      const { line } = this.#pipelines.get(id.id)!;
      this.add(location, "duplicate-id", path, `this pipeline is defined before, on line ${line}`);
    } else this.#pipelines.set(id.id, location);
    if (body.kind !== "map" && !isEmpty(body)) return undefined;

    const entries = body.kind === "map" ? body.entries : new Map<string, never>();
    const lists = (["receivers", "processors", "exporters"] as const).map((role) =>
      this.list(role, entries.get(role)?.value, [...path, role]),
    );
    const [receivers, processors, exporters] = lists;
    const signal = (typeof id === "string" ? "" : id.type) as Signal;
    const count = (role: Role) => {
      const list = entries.get(role)?.value;
      return list?.kind === "list" ? list.items.length : !list || isEmpty(list) ? 0 : undefined;
    };
    const foreign = signal === "anomalies" ? receivers.find((each) => !this.#defined.connectors.has(each)) : undefined;
    if (foreign !== undefined) {
      const message = `an anomalies pipeline takes connectors only: without receivers every detector feeds it; remove ${quoted(foreign)}`;
      this.add(entries.get("receivers")!.at, "unwanted-receivers", [...path, "receivers"], message);
    } else if (signal !== "anomalies" && count("receivers") === 0) {
      this.add(location, "no-receivers", path, "nothing feeds this pipeline; list at least one under receivers");
    }
    if (count("exporters") === 0) {
      this.add(location, "no-exporters", path, "its data goes nowhere; list at least one under exporters");
    }
    if (typeof id === "string") return undefined;
    return { id: id.id, signal, receivers, processors, exporters, location };
  }

  /** The ids in a list, each once; those that exist count as used. */
  list(role: Role, list: Tree | undefined, path: Path): string[] {
    const ids = new Set<string>();
    for (const [i, item] of list?.kind === "list" ? list.items.entries() : []) {
      const text = item.kind === "leaf" ? (item.text ?? item.value) : undefined;
      if (item.kind !== "leaf" || typeof text !== "string") {
        this.resolved = false;
        continue;
      }
      const shown = item.secret ? "(redacted)" : quoted(text);
      const here = [...path, i];
      const id = parseId(text);
      if (typeof id === "string") {
        const hint = item.secret ? "" : didYouMean(text, this.#candidates(role)).replace(" ", ". ");
        this.add(item.at, "invalid-id", here, `${shown} names no component: ${id}${hint}`);
      } else if (ids.has(id.id)) this.add(item.at, "duplicate-reference", here, `${shown} is in this list already`);
      else {
        ids.add(id.id);
        this.#refer(role, id.id, { at: item.at, path: here }, item.secret ? undefined : id.id);
      }
    }
    return [...ids];
  }

  #candidates(role: Role): string[] {
    return HOMES[role].flatMap((section) => [...this.#defined[section].keys()]);
  }

  #refer(role: Role, id: string, place: Placed, shown: string | undefined): void {
    const homes = HOMES[role].filter((section) => this.#defined[section].has(id));
    for (const home of homes) this.#used.add(`${home} ${id}`);
    if (homes.includes("connectors") && (role === "receivers" || role === "exporters")) {
      if (!this.#connectors[role].has(id)) this.#connectors[role].set(id, place);
    }
    if (homes.length > 0) return;
    this.resolved = false;
    const elsewhere = SECTIONS.find((section) => this.#defined[section].has(id));
    const name = shown === undefined ? "(redacted)" : quoted(shown);
    if (elsewhere) {
      this.add(place.at, "wrong-kind", place.path, `${name} is ${oneOf(elsewhere)}, which cannot stand among ${role}`);
      return;
    }
    const hint = (shown !== undefined && didYouMean(shown, this.#candidates(role))) || ` Define it under "${role}".`;
    this.add(place.at, "undefined-component", place.path, `${name} is not defined.${hint}`);
  }

  /** A connector joins pipelines: one that only takes, or only feeds, is a mistake. */
  halves(): void {
    const { receivers, exporters } = this.#connectors;
    for (const [id, { at, path }] of exporters) {
      if (receivers.has(id)) continue;
      this.add(
        at,
        "half-connector",
        path,
        `connector ${quoted(id)} feeds no pipeline; list it under some receivers too`,
      );
    }
    for (const [id, { at, path }] of receivers) {
      if (exporters.has(id)) continue;
      this.add(
        at,
        "half-connector",
        path,
        `no pipeline feeds connector ${quoted(id)}; list it under some exporters too`,
      );
    }
  }

  /** Data may not come back to a pipeline that it has left. */
  cycle(pipelines: readonly PipelineConfig[]): void {
    const before = new Map<string, Set<string>>();
    for (const { id, receivers, exporters } of pipelines) {
      const own = receivers.filter((each) => this.#defined.connectors.has(each));
      before.set(`pipeline ${id}`, new Set(own.map((each) => `connector ${each}`)));
      for (const each of exporters) {
        if (!this.#defined.connectors.has(each)) continue;
        link(before, `connector ${each}`, `pipeline ${id}`);
      }
    }
    const round = findCycle(before);
    const last = round.find((node) => node.startsWith("connector "))?.slice("connector ".length);
    if (last === undefined) return;
    const { at, path } = this.#connectors.exporters.get(last)!;
    const shown = round.length > 9 ? [...round.slice(0, 8), "..."] : round;
    const way = shown.map((node) => node.replace("pipeline ", "")).join(" -> ");
    this.add(at, "connector-cycle", path, `data would go round for ever: ${way}; take one connector out`);
  }

  unused(): void {
    for (const section of SECTIONS) {
      for (const [id, at] of this.#defined[section]) {
        if (this.#used.has(`${section} ${id}`)) continue;
        const where = section === "extensions" ? "service.extensions does not list it" : "no pipeline lists it";
        this.add(at, "unused-component", [section, id], `${where}, so it will not run`, "warning");
      }
    }
  }
}

interface Placed {
  readonly at: Location;
  readonly path: Path;
}

function link(links: Map<string, Set<string>>, from: string, to: string): void {
  const targets = links.get(from);
  if (targets) targets.add(to);
  else links.set(from, new Set([to]));
}

/** The nodes of one cycle, first to last and first again; `before` holds each node's predecessors. Empty: there is none. */
function findCycle(before: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const waiting = new Map([...before].map(([node, nodes]) => [node, nodes.size]));
  const after = new Map<string, Set<string>>();
  for (const [node, nodes] of before) for (const each of nodes) link(after, each, node);
  const free = [...after.keys(), ...waiting.keys()].filter((node) => !waiting.get(node));
  for (let node = free.pop(); node !== undefined; node = free.pop()) {
    if (!waiting.delete(node) && before.has(node)) continue;
    for (const next of after.get(node) ?? []) {
      const left = waiting.get(next)! - 1;
      waiting.set(next, left);
      if (left === 0) free.push(next);
    }
  }
  const trail = new Set<string>();
  let node = waiting.keys().next().value;
  while (node !== undefined && !trail.has(node)) {
    trail.add(node);
    node = [...before.get(node)!].find((each) => waiting.has(each));
  }
  const backwards = [...trail];
  return node === undefined ? [] : [node, ...backwards.slice(backwards.indexOf(node)).reverse()];
}
