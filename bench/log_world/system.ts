// The thirty services of a generated log world: how each writes, and how much; what it says differs from seed to seed.
import { Chance } from "../world/chance.ts";
import type { Format } from "./format.ts";
import { Parameter } from "./parameter.ts";
import { Service, type ServiceSpec, type Severities } from "./service.ts";
import { SERVICES } from "./words.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** In turn, so that each format has services with much and with little to say. */
const FORMATS: readonly Format[] = [
  "access", "access", "json", "log4j", "python", "json", "kvlist", "log4j", "bracket", "logfmt",
  "klog", "json", "python", "syslog", "bare", "kvlist", "log4j", "json", "bracket", "logfmt",
  "bare", "python", "klog", "json", "log4j", "bracket", "kvlist", "syslog", "logfmt", "bare",
]; // biome-ignore format: one line a third

/** Of the services in their order, the frequent first: which have sequences, and of what. */
const SEQUENCES: Readonly<Record<string, readonly ("trace" | "session")[]>> = {
  storefront: ["session", "trace"],
  account: ["trace", "session"],
  catalog: ["trace", "trace"],
  search: ["trace", "trace"],
  inventory: ["trace", "trace"],
  cart: ["session", "session"],
  checkout: ["trace", "trace"],
  payment: ["trace", "trace"],
  ledger: ["trace", "trace"],
  shipping: ["trace", "trace"],
  mailer: ["trace"],
  media: ["trace"],
  support: ["session"],
};

const JOBS: Readonly<Record<string, ServiceSpec["jobs"]>> = {
  pricing: [[HOUR, 150]],
  reporting: [[HOUR, 250], [24 * HOUR, 400]],
  scheduler: [[5 * MINUTE, 8]],
  importer: [[HOUR, 80], [10 * MINUTE, 12]],
  billing: [[24 * HOUR, 120]],
  audit: [[HOUR, 40]],
}; // biome-ignore format: a line a service

const SEVERITIES: Readonly<Record<string, Severities>> = {
  identity: "number",
  mailer: "text",
  media: "text",
  notifier: "none",
  gateway: "none",
  support: "number",
};

/** Attributes of which each service has some, with what they are drawn from. */
const ATTRIBUTES = [
  "cloud.region:region",
  "tenant.plan:plan",
  "thread.id:small",
  "app.shard:attempt",
  "peer.state:state",
  "http.request.method:method",
];

/** Of all services together, a second, at the busiest time of day. */
export const RATE = 36;
const ZIPF = 0.7;

export interface System {
  readonly services: readonly Service[];
}

export function systemOf(seed: number, rate = RATE): System {
  const chance = new Chance(seed ^ 0x10651e);
  const weights = SERVICES.map((_, i) => chance.around(1 / (1 + i) ** ZIPF, 0.2));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const services = SERVICES.map((name, i) => {
    const format = FORMATS[i];
    const java = format === "log4j" || (format === "json" && i % 2 === 1);
    const count = 1 + chance.whole(4);
    const attributes = ATTRIBUTES.filter((_, k) => (k + i) % ATTRIBUTES.length < count);
    const spec: ServiceSpec = {
      name,
      format,
      severities: SEVERITIES[name] ?? "both",
      instances: i < 6 ? 3 : i < 20 ? 2 : 1,
      rate: (rate * weights[i]) / sum,
      sequences: SEQUENCES[name] ?? [],
      stacks: java ? "java" : format === "python" ? "python" : undefined,
      jobs: JOBS[name],
      split: name === "fraud",
    };
    return new Service(
      spec,
      attributes.map((text) => new Parameter(text, chance)),
      chance,
    );
  });
  const called = services.flatMap(({ name, sequences }) =>
    sequences.filter(({ keyed }) => keyed === "trace").map((sequence) => ({ name, sequence })),
  );
  // each asks one further down, so that no trace goes in circles
  for (const [i, { sequence, name }] of called.entries()) {
    const further = called.slice(i + 1).filter((each) => each.name !== name);
    if (further.length === 0 || chance.uniform() < 0.4) continue;
    const to = further[chance.whole(further.length)];
    sequence.calls = [to.sequence, to.name, 0.1 + 0.3 * chance.uniform()];
  }
  return { services };
}
