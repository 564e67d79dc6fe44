// Which faults a report plants in a log world: of every kind and size, at services and statements where it could be seen.
import { Chance } from "../world/chance.ts";
import type { LogFault, LogFaultKind } from "./faults.ts";
import { tellsLevel } from "./format.ts";
import { COMMON_ATTRIBUTES } from "./record.ts";
import type { Service } from "./service.ts";
import type { Statement } from "./statement.ts";
import { systemOf } from "./system.ts";

type Place = Pick<LogFault, "index" | "parameter" | "key">;

interface Candidates {
  readonly sizes: readonly number[];
  /** Of a service, those where a fault of this size could be seen by someone who knows it well. */
  places(service: Service, size: number): readonly Place[];
}

/** Of all that a service says, a second at the busiest time. */
const rateOf = (service: Service, wanted: (statement: Statement) => boolean) =>
  service.statements.filter(wanted).reduce((sum, { rate }) => sum + rate, 0);

/** Statements that come at least, and at most, so often a minute, one by one. */
function statements(service: Service, least: number, most = Number.POSITIVE_INFINITY): Place[] {
  const fits = ({ level, clumped, rate }: Statement) =>
    !clumped && 60 * rate >= least && 60 * rate <= most && !(service.spec.format === "access" && level === "INFO");
  return service.statements.flatMap((statement, index) => (fits(statement) ? [{ index }] : []));
}

function parameters(service: Service, least: number, wanted: "number" | "enumeration"): Place[] {
  return statements(service, least).flatMap(({ index }) =>
    service.statements[index!].parameters.flatMap(({ median, values }, parameter) =>
      (wanted === "number" ? median > 0 : values !== undefined) ? [{ index, parameter }] : [],
    ),
  );
}

function sequences(service: Service, least: number, count: number): Place[] {
  if (service.sequences.length < count) return [];
  return service.sequences.flatMap(({ rate }, index) => (60 * rate >= least ? [{ index }] : []));
}

const whole = (service: Service, least: number): Place[] => (60 * service.spec.rate >= least ? [{}] : []);
const keysOf = (service: Service) => [...COMMON_ATTRIBUTES, ...service.attributes.map(({ name }) => name)];
const attributes = (service: Service, size: number): Place[] =>
  60 * service.spec.rate * size >= 10 ? keysOf(service).map((key) => ({ key })) : [];

export const LOG_CANDIDATES: Readonly<Record<LogFaultKind, Candidates>> = {
  new_error: { sizes: [0, 1, 10], places: (service) => (service.spec.split ? [] : [{}]) },
  new_info: { sizes: [1, 10], places: () => [{}] },
  deploy: { sizes: [40], places: (service) => whole(service, 30) },
  burst: {
    sizes: [3, 10, 100],
    places: (service, size) => statements(service, size === 3 ? 6 : 10 / size, size === 100 ? 5 : 20),
  },
  drop: { sizes: [3], places: (service) => statements(service, 15) },
  silence: { sizes: [0], places: (service) => statements(service, 5) },
  level_silence: {
    sizes: [0],
    places: (service) => (60 * rateOf(service, ({ level }) => level !== "INFO") >= 2 ? whole(service, 20) : []),
  },
  errors: {
    sizes: [10, 50],
    places: (service, size) => (60 * size * rateOf(service, ({ level }) => level === "ERROR") >= 1 ? [{}] : []),
  },
  missing_partner: {
    sizes: [0.05, 0.2, 1],
    places: (service, size) => sequences(service, Math.max(1, 0.35 / size), 1),
  },
  novel_combination: {
    sizes: [0.05, 0.2, 1],
    places: (service, size) => sequences(service, Math.max(1, 0.35 / size), 2),
  },
  outlier: { sizes: [10, 100], places: (service) => parameters(service, 3, "number") },
  shift: { sizes: [3], places: (service) => parameters(service, 4, "number") },
  new_value: { sizes: [0.05, 0.5], places: (service, size) => parameters(service, 0.5 / size, "enumeration") },
  new_attribute_value: {
    sizes: [0.05, 0.5],
    places: (service, size) =>
      60 * service.spec.rate * size >= 2
        ? service.attributes.flatMap(({ name, values }) => (values ? [{ key: name }] : []))
        : [],
  },
  missing_attribute: { sizes: [0.5, 1], places: attributes },
  empty_attribute: { sizes: [1], places: attributes },
  attribute_type: { sizes: [1], places: attributes },
  missing_body_field: {
    sizes: [0.5, 1],
    places: (service, size) => (60 * service.spec.rate * size >= 10 ? service.fields.map((key) => ({ key })) : []),
  },
  flat_severity: {
    sizes: [1],
    places: (service) => {
      const { format, severities } = service.spec;
      const shown = tellsLevel(format) && (severities === "both" || severities === "number");
      return shown && 60 * rateOf(service, ({ level }) => level !== "INFO") >= 2 ? [{}] : [];
    },
  },
};

export const LOG_FAULT_KINDS = Object.keys(LOG_CANDIDATES) as LogFaultKind[];

export interface LogPlanOptions {
  readonly seed: number;
  readonly rate?: number;
  /** Unix milliseconds of the first fault. */
  readonly first: number;
  /** Milliseconds: how long a fault lasts, and from one's begin to that of the next. */
  readonly lasts: number;
  readonly every: number;
  readonly count: number;
  readonly kinds?: readonly LogFaultKind[];
}

/** Kinds and sizes take turns; worlds whose seeds follow each other go on where the last one ended. A service is at fault once where that can be. */
export function planLogs(options: LogPlanOptions): LogFault[] {
  const { seed, rate, first, lasts, every, count, kinds = LOG_FAULT_KINDS } = options;
  const chance = new Chance(seed ^ 0x51ab0713);
  const { services } = systemOf(seed, rate);
  const turns = Array.from({ length: count }, (_, i) => {
    const turn = seed * count + i;
    const kind = kinds[turn % kinds.length];
    const from = first + i * every + chance.whole(Math.max(1, (every - lasts) / 2));
    return { kind, from, ...fittingOf(services, kind, Math.floor(turn / kinds.length)) };
  });
  const used = new Set<Service>();
  // those for which few services are fit choose first
  const chosen = turns
    .toSorted((a, b) => a.fitting.length - b.fitting.length)
    .map(({ kind, from, size, fitting }) => {
      const fresh = fitting.filter((service) => !used.has(service));
      const among = fresh.length > 0 ? fresh : fitting;
      const service = among[chance.whole(among.length)];
      used.add(service);
      const places = LOG_CANDIDATES[kind].places(service, size);
      return { kind, size, service: service.name, ...places[chance.whole(places.length)], from, to: from + lasts };
    });
  return chosen.sort((a, b) => a.from - b.from);
}

/** The size of a round and the services where it could be seen; the next size where there is none. */
function fittingOf(services: readonly Service[], kind: LogFaultKind, round: number) {
  const { sizes, places } = LOG_CANDIDATES[kind];
  for (let k = 0; k < sizes.length; k++) {
    const size = sizes[(round + k) % sizes.length];
    const fitting = services.filter((service) => places(service, size).length > 0);
    if (fitting.length > 0) return { size, fitting };
  }
  throw new Error(`this world has no place for ${kind}`);
}
