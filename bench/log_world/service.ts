// A service as its logs show it: its statements and how often they come, the sequences of its work, its jobs, and how it writes.
import type { Chance } from "../world/chance.ts";
import { FIELDS, type Format, hasFields } from "./format.ts";
import type { Parameter } from "./parameter.ts";
import { Sequence } from "./sequence.ts";
import { stacksOf } from "./stack.ts";
import { type Level, Statement } from "./statement.ts";
import { FORMS, JOB, SEQUENCE, STARTING, STOPPING, UNHEARD } from "./words.ts";

/** Which severity fields its records have. */
export type Severities = "both" | "number" | "text" | "none";

export interface Job {
  /** Milliseconds between two runs, and where in that time it runs. */
  readonly every: number;
  readonly at: number;
  /** Median of how often it says what it does, and in how many milliseconds. */
  readonly size: number;
  readonly lasts: number;
  readonly begin: Statement;
  readonly work: readonly Statement[];
  readonly end: Statement;
}

/** What is wrong with one of the attributes or fields of its records, in this share of them. */
export interface FieldFault {
  readonly key: string;
  readonly change: "missing" | "empty" | "type";
  readonly share: number;
}

export interface ServiceSpec {
  readonly name: string;
  readonly format: Format;
  readonly severities: Severities;
  readonly instances: number;
  /** Records a second at the busiest time of day, two thirds of them of sequences where it has some. */
  readonly rate: number;
  readonly sequences: readonly ("trace" | "session")[];
  readonly stacks?: "java" | "python";
  readonly jobs?: readonly (readonly [every: number, size: number])[];
  /** Lines of a stack are records of their own. */
  readonly split?: boolean;
}

/** Statements that are not there yet: of a deployment that is a fault, and at most of one that is none. */
const DEPLOYED = 40;
const ADDED = 4;
const ADDED_SETS = 3;
/** Of how often a level comes. */
const LEVEL_RATES = { DEBUG: 0.6, INFO: 1, WARN: 0.1, ERROR: 0.02 } as const;
const ZIPF = 1.1;
/** Of what warns and fails, but for `seldom`: what is wrong now and then has been seen in hours of learning. */
const LEAST_RATE = 1 / 2000;
const HOUR = 3_600_000;
const HEARTBEAT = "[component] is alive, {small} workers, queue {small}";
const ROUTE =
  '{ip} - {user} [@time] "{method} /[noun]s/{offset}/[do] HTTP/1.1" {status} {bytes} "-" "{agent}/5.0" {ms}';

export class Service {
  readonly spec: ServiceSpec;
  /** Those that come by themselves. */
  readonly statements: readonly Statement[];
  /** Those that come about once a day, or less. */
  readonly seldom: readonly Statement[];
  readonly sequences: readonly Sequence[];
  readonly jobs: readonly Job[];
  readonly heartbeat: Statement | undefined;
  readonly starting: readonly Statement[];
  readonly stopping: readonly Statement[];
  /** For faults, as are those of `deployed`. */
  readonly spare: Readonly<Record<"ERROR" | "INFO", Statement>>;
  readonly deployed: readonly Statement[];
  /** What normal deployments add, one set after the other. */
  readonly added: readonly (readonly Statement[])[];
  /** Of every record. */
  readonly attributes: readonly Parameter[];
  readonly fields: readonly string[];
  readonly interpolated: boolean;
  /** What faults change. */
  silenced: Level | undefined;
  errors = 1;
  field: FieldFault | undefined;
  attribute: FieldFault | undefined;
  /** All that it logs is sent as INFO. */
  flattened = false;
  readonly #chance: Chance;
  readonly #known = new Set<string>();

  constructor(spec: ServiceSpec, attributes: readonly Parameter[], chance: Chance) {
    this.spec = spec;
    this.#chance = chance;
    this.attributes = attributes;
    this.fields = hasFields(spec.format) ? FIELDS : [];
    this.interpolated = chance.uniform() < 0.4;
    const share = spec.sequences.length > 0 ? 0.35 : 1;
    this.statements = this.#usual(spec.rate * share);
    this.seldom = Array.from({ length: 1 + chance.whole(3) }, () => {
      const luck = chance.uniform();
      const statement = this.#statement(luck < 0.75 ? "INFO" : luck < 0.98 ? "WARN" : "ERROR");
      statement.rate = (0.3 + 1.2 * chance.uniform()) / 86_400;
      return statement;
    });
    this.sequences = spec.sequences.map((keyed) =>
      this.#sequence(keyed, (spec.rate * (1 - share)) / spec.sequences.length),
    );
    this.jobs = (spec.jobs ?? []).map(([every, size]) => this.#job(every, size));
    this.heartbeat = chance.uniform() < 0.25 ? this.#made(HEARTBEAT, "INFO") : undefined;
    this.starting = STARTING.map((form) => this.#made(form.replace("{service}", spec.name), "INFO"));
    this.stopping = STOPPING.map((form) => this.#made(form, "INFO"));
    const some = (level: Level, count: number) => Array.from({ length: count }, () => this.#statement(level));
    this.spare = { ERROR: this.#unheard("ERROR"), INFO: this.#unheard("INFO") };
    this.deployed = [...some("INFO", DEPLOYED - 10), ...some("DEBUG", 5), ...some("WARN", 5)];
    this.added = Array.from({ length: ADDED_SETS }, () => some("INFO", 1 + chance.whole(ADDED)));
  }

  get name(): string {
    return this.spec.name;
  }

  #usual(rate: number): Statement[] {
    const chance = this.#chance;
    const count = 10 + chance.whole(45);
    const levels = Array.from({ length: count }, (_, i): Level => {
      if (i < 3) return "INFO";
      if (i < 5) return i === 3 ? "WARN" : "ERROR";
      const luck = chance.uniform();
      return luck < 0.66 ? "INFO" : luck < 0.78 ? "DEBUG" : luck < 0.92 ? "WARN" : "ERROR";
    });
    const statements = levels.map((level) => this.#statement(level));
    const weights = statements.map(({ level }, i) => LEVEL_RATES[level] * chance.around(1 / (1 + i) ** ZIPF, 0.3));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    for (const [i, statement] of statements.entries()) {
      const least = statement.level === "WARN" || statement.level === "ERROR" ? LEAST_RATE : 0;
      statement.rate = Math.max(least, (rate * weights[i]) / sum);
    }
    return statements;
  }

  /** With words that no other of the service has. */
  #statement(level: Level): Statement {
    const forms = this.spec.format === "access" && level === "INFO" ? [ROUTE] : FORMS[level];
    return this.#made(forms[this.#chance.whole(forms.length)], level);
  }

  #unheard(level: "ERROR" | "INFO"): Statement {
    const forms = UNHEARD[level];
    return this.#made(forms[this.#chance.whole(forms.length)], level);
  }

  #made(form: string, level: Level): Statement {
    const chance = this.#chance;
    const { name, stacks } = this.spec;
    for (let tries = 0; ; tries++) {
      const component = `${name[0].toUpperCase()}${name.slice(1)}${["Service", "Controller", "Worker", "Client"][chance.whole(4)]}`;
      // a word of its own once the words run out
      const statement = new Statement(tries < 20 ? form : `${form} (${tries})`, level, component, chance);
      if (this.#known.has(statement.key)) continue;
      this.#known.add(statement.key);
      if (level === "ERROR" && stacks) statement.stacks = stacksOf(stacks, name, component, chance);
      return statement;
    }
  }

  #sequence(keyed: "trace" | "session", rate: number): Sequence {
    const chance = this.#chance;
    const any = <T>(list: readonly T[]) => list[chance.whole(list.length)];
    const steps = Array.from({ length: 2 + chance.whole(4) }, () => ({
      statement: this.#made(any(SEQUENCE.work), "INFO"),
      chance: chance.uniform() < 0.5 ? 1 : 0.2 + 0.7 * chance.uniform(),
      times: chance.uniform() < 0.7 ? 1 : 3,
    }));
    return new Sequence({
      keyed,
      open: this.#made(any(SEQUENCE.open), "INFO"),
      steps,
      retry: this.#made(SEQUENCE.retry, "WARN"),
      abort: this.#made(SEQUENCE.abort, "ERROR"),
      close: this.#made(any(SEQUENCE.close), "INFO"),
      rate: rate / (2 + steps.reduce((sum, step) => sum + (step.chance * (1 + step.times)) / 2, 0)),
      gap: keyed === "trace" ? 10 ** (0.5 + 2 * chance.uniform()) : 5000 + 20_000 * chance.uniform(),
    });
  }

  #job(every: number, size: number): Job {
    const chance = this.#chance;
    return {
      every,
      at: Math.floor(chance.uniform() * every),
      size,
      lasts: Math.min(every / 3, 1000 * (10 + 80 * chance.uniform())),
      begin: this.#made(JOB.begin, "INFO"),
      work: JOB.work.map((form) => this.#made(form, every < HOUR ? "DEBUG" : "INFO")),
      end: this.#made(JOB.end, "INFO"),
    };
  }
}
