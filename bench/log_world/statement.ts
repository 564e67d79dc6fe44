// One log statement of a service's code: its level, its words and its parameters, and how often it is reached.
import type { Chance } from "../world/chance.ts";
import { Parameter, type Value } from "./parameter.ts";
import { WORDS } from "./words.ts";

export type Level = "DEBUG" | "INFO" | "WARN" | "ERROR";

export class Statement {
  readonly level: Level;
  /** Of the class or module that it stands in. */
  readonly logger: string;
  readonly line: number;
  /** What stands before the first parameter, between them, and after the last. */
  readonly constants: readonly string[];
  readonly parameters: readonly Parameter[];
  /** The words without the parameters, as structured logs have it. */
  readonly message: string;
  /** Whether each run of it is followed by more within seconds. */
  readonly clumped: boolean;
  /** Traces of the stack that come with it; empty where it has none. */
  stacks: readonly string[] = [];
  /** Attributes of its own, beside those of its service. */
  readonly attributes: readonly { readonly parameter: Parameter; readonly share: number }[];
  /** Runs a second by itself at the busiest time of day. */
  rate = 0;
  /** Whether nights are no quieter. */
  steady = false;
  /** What faults change: of its rate. */
  factor = 1;

  constructor(form: string, level: Level, logger: string, chance: Chance) {
    this.level = level;
    this.logger = logger;
    this.line = 20 + chance.whole(600);
    const text = form.replace(/\[(\w+)\]/g, (_, word: string) => chosen(word, chance));
    const pieces = text.split(/\{([^}]+)\}/);
    this.constants = pieces.filter((_, i) => i % 2 === 0);
    const names = new Map<string, number>();
    this.parameters = pieces
      .filter((_, i) => i % 2 === 1)
      .map((each) => {
        const again = names.get(each) ?? 0;
        names.set(each, again + 1);
        const [name, kind = name] = each.split(":");
        return new Parameter(again === 0 ? each : `${name}_${again + 1}:${kind}`, chance);
      });
    this.message = this.constants
      .join(" ")
      .replace(/[\s:=,()%]+/g, " ")
      .trim();
    this.clumped = (level === "WARN" || level === "ERROR") && chance.uniform() < 0.4;
    this.attributes = chance.uniform() < 0.3 ? [optional(chance)] : [];
  }

  /** Its words, which no two statements of a service share. */
  get key(): string {
    return this.constants.join("<*>");
  }

  values(chance: Chance, load: number): Value[] {
    return this.parameters.map((parameter) => parameter.draw(chance, load));
  }

  text(values: readonly Value[]): string {
    let text = this.constants[0];
    for (let i = 0; i < values.length; i++) text += this.parameters[i].write(values[i]) + this.constants[i + 1];
    return text;
  }
}

const OPTIONAL = [
  "tenant:plan",
  "retry.count:attempt",
  "peer.address:ip",
  "batch.size:n",
  "enduser.id:user",
  "cache:flag",
];

function optional(chance: Chance) {
  const parameter = new Parameter(OPTIONAL[chance.whole(OPTIONAL.length)], chance);
  return { parameter, share: chance.uniform() < 0.5 ? 1 : 0.1 + 0.8 * chance.uniform() };
}

function chosen(word: string, chance: Chance): string {
  const list = WORDS[word.toLowerCase()];
  const text = list[chance.whole(list.length)];
  return word[0] === word[0].toLowerCase() ? text : text[0].toUpperCase() + text.slice(1);
}
