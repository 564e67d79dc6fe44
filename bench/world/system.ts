// A system of services as data: what is called, by whom, how long it takes and how often it fails.

/** Each text names an operation: its service, a space, the span's name. */
export interface SystemSpec {
  readonly operations: Readonly<Record<string, OperationSpec>>;
  /** Share of each in the traffic, of those that come from outside. */
  readonly entries: Readonly<Record<string, number>>;
  /** Of those that come by the clock: milliseconds from one to the next. */
  readonly periodic: Readonly<Record<string, number>>;
}

export interface OperationSpec {
  readonly kind?: number;
  /** Milliseconds of its own: the median, and the standard deviation of the logarithm. */
  readonly own: readonly [median: number, sd: number];
  /** Chance of a much longer time, and the median factor of it. */
  readonly tail?: readonly [chance: number, factor: number];
  /** Share that fails by itself. */
  readonly errors?: number;
  /** exception.type of its own failures. */
  readonly exception?: string;
  readonly steps?: readonly StepSpec[];
}

/** Calls at the same time, or steps that only sometimes are. */
export type StepSpec = readonly CallSpec[] | { readonly chance: number; readonly steps: readonly StepSpec[] };

export interface CallSpec {
  /** http: client and server span. outside: a client span whose far side does not report. queue: producer and consumer. local: a child in the process. */
  readonly via: "http" | "outside" | "queue" | "local";
  /** The operation called; outside the span's name. */
  readonly to: string;
  readonly outside?: Outside;
  /** How many at once: from, to. */
  readonly times?: readonly [number, number];
  /** The caller goes on without waiting. */
  readonly detached?: boolean;
  /** The caller does without it when it fails. */
  readonly optional?: boolean;
}

/** What does not report: a database by its db.system.name, or "http". */
export interface Outside {
  readonly system: string;
  readonly host: string;
  readonly own: readonly [median: number, sd: number];
}

export const SpanKind = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 } as const;

/** What is called; `factor` and those after it are what faults change. */
export class Operation {
  readonly service: string;
  readonly name: string;
  readonly kind: number;
  readonly median: number;
  readonly sd: number;
  readonly tailChance: number;
  readonly tailFactor: number;
  readonly errors: number;
  readonly exception: string;
  steps: readonly Step[] = [];
  /** Of its own time. */
  factor = 1;
  /** Share that fails, in place of `errors`. */
  failing = Number.NaN;
  /** In place of `exception`. */
  raised: string | undefined;
  /** Called as well, in this share of its runs. */
  extra: Edge | undefined;
  extraShare = 0;
  /** Share of its runs in which the last step is the first. */
  reversed = 0;
  /** Of the requests that come from outside. */
  traffic = 1;

  constructor(key: string, spec: OperationSpec, scale: number) {
    [this.service, this.name] = split(key);
    this.kind = spec.kind ?? SpanKind.server;
    this.median = spec.own[0] * scale;
    this.sd = spec.own[1];
    [this.tailChance, this.tailFactor] = spec.tail ?? [0, 1];
    this.errors = spec.errors ?? 0.001;
    this.exception = spec.exception ?? "IllegalStateError";
  }

  get key(): string {
    return `${this.service} ${this.name}`;
  }
}

export type Step =
  | { readonly edges: readonly Edge[]; readonly steps?: undefined }
  | { readonly chance: number; readonly steps: readonly Step[]; readonly edges?: undefined };

/** Who calls what; `delay` and those after it are what faults change. */
export class Edge {
  readonly from: Operation;
  /** Undefined for what does not report. */
  readonly to: Operation | undefined;
  readonly spec: CallSpec;
  /** Milliseconds on the way there, and the same back. */
  readonly gap: number;
  /** Of the gap. */
  delay = 1;
  /** Until it succeeds. */
  attempts = 1;
  /** One after the other. */
  repeated = 1;
  /** At the same time. */
  fanOut = 1;
  /** Share of the calls that is left out. */
  skipped = 0;
  /** Called in its place, in this share of the calls. */
  instead: Edge | undefined;
  insteadShare = 0;
  /** Share of the calls that does not reach the far side; by itself, now and then. */
  outage = 0;

  constructor(from: Operation, to: Operation | undefined, spec: CallSpec, gap: number) {
    this.from = from;
    this.to = to;
    this.spec = spec;
    this.gap = gap;
  }

  /** What the calling span is named. */
  get name(): string {
    return this.spec.via === "outside" ? this.spec.to : split(this.spec.to)[1];
  }
}

export interface System {
  readonly operations: ReadonlyMap<string, Operation>;
  readonly edges: readonly Edge[];
  readonly services: readonly string[];
}

/** `scale` is asked for the factor of each median and gap: worlds differ by it. */
export function systemOf(spec: SystemSpec, scale: () => number): System {
  const operations = new Map<string, Operation>();
  for (const [key, each] of Object.entries(spec.operations)) operations.set(key, new Operation(key, each, scale()));
  const edges: Edge[] = [];
  const edgeOf = (from: Operation, call: CallSpec): Edge => {
    const edge = new Edge(
      from,
      call.via === "outside" ? undefined : found(operations, call.to),
      call,
      0.4 * scale() ** 2,
    );
    edges.push(edge);
    return edge;
  };
  const stepsOf = (from: Operation, steps: readonly StepSpec[]): Step[] =>
    steps.map((step) =>
      "chance" in step
        ? { chance: step.chance, steps: stepsOf(from, step.steps) }
        : { edges: step.map((call) => edgeOf(from, call)) },
    );
  for (const operation of operations.values()) {
    operation.steps = stepsOf(operation, spec.operations[operation.key].steps ?? []);
  }
  return { operations, edges, services: [...new Set([...operations.values()].map(({ service }) => service))] };
}

export function found(operations: ReadonlyMap<string, Operation>, key: string): Operation {
  const operation = operations.get(key);
  if (!operation) throw new Error(`the world has no operation ${key}`);
  return operation;
}

/** "cart GET /cart" as service and name. */
export function split(key: string): [service: string, name: string] {
  const space = key.indexOf(" ");
  return [key.slice(0, space), key.slice(space + 1)];
}
