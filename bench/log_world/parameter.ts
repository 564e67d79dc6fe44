// What log messages are parameterized with: ids, counts, durations, enumerations, names, each with a distribution of its own.
import type { Chance } from "../world/chance.ts";

export type Value = string | number;

/** Values of low cardinality, the frequent first. The last is seen about once in a thousand. */
const ENUMERATIONS: Readonly<Record<string, readonly string[]>> = {
  "outcome:cache": ["hit", "miss", "stale"],
  outcome: ["ok", "partial", "skipped"],
  codec: ["json", "protobuf", "avro", "cbor"],
  flag: ["true", "false"],
  plan: ["free", "basic", "plus", "business", "trial"],
  status: ["200", "201", "304", "404", "400", "429"],
  failure: ["503", "502", "500", "504"],
  region: ["eu-west", "us-east", "us-west", "ap-south", "eu-north"],
  provider: ["stripe", "adyen", "paypal", "klarna"],
  currency: ["EUR", "USD", "GBP", "CHF", "JPY"],
  state: ["new", "open", "held", "paid", "sent", "done"],
  reason: ["out-of-stock", "limit-exceeded", "invalid-checksum", "closed-by-owner", "stale-version"],
  agent: ["Firefox", "Chrome", "Safari", "curl"],
  method: ["GET", "POST", "PUT", "DELETE", "PATCH"],
};
const SELDOM = 0.001;

/** Median in powers of ten from, to; and the largest deviation of the logarithm. */
const NUMBERS: Readonly<Record<string, readonly [from: number, to: number, sd: number]>> = {
  n: [0.5, 2.5, 0.7],
  ms: [0.3, 2.7, 0.6],
  bytes: [2.5, 5, 0.9],
  money: [0.8, 2.5, 0.8],
};
/** Of those that have a tail: its chance and the median of its factor. */
const TAIL_CHANCE = 0.003;
const TAIL_FACTOR = 8;
const TAIL_SD = 0.7;
/** What fields are called that are not called as their kind. */
const FIELD_NAMES: Readonly<Record<string, string>> = { ms: "duration_ms", n: "total", small: "count" };
const USERS = 400;
const NAMES = "anna ben carla dmitri elena farid grace hugo ines jonas kim lena marco nadia oskar priya".split(" ");

export class Parameter {
  readonly kind: string;
  readonly name: string;
  /** Median and standard deviation of the logarithm; 0 for what is no number. */
  readonly median: number = 0;
  readonly sd: number = 0;
  readonly values: readonly string[] | undefined;
  readonly #tailed: boolean = false;
  /** How ids and durations are written. */
  readonly #style: number;
  readonly #salt: number;
  #counter: number;
  /** What faults change: numbers are multiplied, or this share of the values is `strange`. */
  factor = 1;
  strange: Value | undefined;
  strangeShare = 0;

  /** `text` is "kind" or "name:kind". */
  constructor(text: string, chance: Chance) {
    const [first, second] = text.split(":");
    this.kind = second ?? first;
    this.name = FIELD_NAMES[first] ?? first;
    this.#style = chance.whole(4);
    this.#salt = chance.word();
    this.#counter = chance.whole(1e6);
    const number = NUMBERS[this.kind];
    if (number) {
      this.median = 10 ** (number[0] + (number[1] - number[0]) * chance.uniform());
      this.sd = number[2] * (0.4 + 0.6 * chance.uniform());
      this.#tailed = chance.uniform() < 0.4;
    }
    this.values = ENUMERATIONS[text] ?? ENUMERATIONS[this.kind];
  }

  /** What one value in a thousand is larger than, by itself. */
  get top(): number {
    const body = this.median * Math.exp(3.1 * this.sd);
    return this.#tailed ? Math.max(body, this.median * TAIL_FACTOR * Math.exp(0.43 * TAIL_SD)) : body;
  }

  /** Durations are multiplied by `load`. */
  draw(chance: Chance, load: number): Value {
    if (this.strangeShare > 0 && chance.uniform() < this.strangeShare) return this.strange!;
    if (this.values) return this.#choose(chance, this.values);
    if (this.median > 0) return this.#number(chance, this.kind === "ms" ? load : 1);
    switch (this.kind) {
      case "id":
        return this.#id(chance);
      case "user":
        return this.#user(chance);
      case "ip":
        return `10.${this.#salt & 15}.${chance.whole(8)}.${1 + chance.whole(250)}`;
      case "host":
        return `node-${chance.whole(6)}`;
      case "path":
        return `/var/lib/app/${NAMES[chance.whole(NAMES.length)]}/${chance.whole(100000)}.dat`;
      case "small":
        return chance.poisson(4);
      case "attempt":
        return 1 + Math.min(4, Math.floor(chance.exponential(0.6)));
      case "percent":
        return Math.round(1000 * (0.5 + 0.45 * Math.sin(chance.gaussian()))) / 10;
      case "ratio":
        return Math.round(1000 * chance.uniform()) / 1000;
      case "port":
        return 1024 + chance.whole(60000);
      default:
        return this.#count(chance);
    }
  }

  #choose(chance: Chance, values: readonly string[]): string {
    if (values.length > 3 && chance.uniform() < SELDOM) return values[values.length - 1];
    const last = values.length > 3 ? values.length - 1 : values.length;
    return values[Math.min(last - 1, Math.floor(chance.exponential(1.1)))];
  }

  #number(chance: Chance, load: number): number {
    let value = chance.around(this.median * load, this.sd) * this.factor;
    if (this.#tailed && chance.uniform() < TAIL_CHANCE) value *= chance.around(TAIL_FACTOR, TAIL_SD);
    if (this.kind === "money" || (this.kind === "ms" && this.#style > 1)) return Math.round(value * 100) / 100;
    return Math.round(value);
  }

  #id(chance: Chance): Value {
    if (this.#style === 0) return hex(chance) + hex(chance).slice(4);
    if (this.#style === 1) {
      const [head, middle, tail] = [hex(chance), hex(chance), hex(chance)];
      return `${head}-${middle.slice(4)}-4${tail.slice(5)}-a${middle.slice(0, 3)}-${tail}${head.slice(4)}`;
    }
    if (this.#style === 2) return 100000 + chance.whole(900000);
    return `${"ABCDEFGH"[this.#salt & 7]}-${this.#count(chance)}`;
  }

  #count(chance: Chance): number {
    this.#counter += 1 + chance.whole(4);
    return this.#counter;
  }

  /** Some are much more active than others. */
  #user(chance: Chance): string {
    const which = Math.floor(USERS * chance.uniform() ** 2.5);
    return `${NAMES[which % NAMES.length]}.${Math.floor(which / NAMES.length)}`;
  }

  /** As it stands in a text; a number with its unit. */
  write(value: Value): string {
    if (this.kind !== "ms" || typeof value === "string") return `${value}`;
    if (this.#style === 1) return `${(value / 1000).toFixed(3)}s`;
    return this.#style === 0 ? `${value} ms` : `${value}ms`;
  }
}

const hex = (chance: Chance) => chance.word().toString(16).padStart(8, "0");
