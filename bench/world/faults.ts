// What goes wrong in a world: what a fault changes while it lasts, and who is at fault.
import { Edge, found, Operation, type System, split } from "./system.ts";

export type FaultKind =
  /** Its own time takes `size` times as long. */
  | "slow"
  /** It takes a `size`th of its time. */
  | "fast"
  /** The network of an edge, or of all edges of a service, takes `size` times as long. */
  | "delay"
  /** The share `size` of its runs fails. */
  | "errors"
  /** Requests of an entry operation come `size` times as often; 0 is silence. */
  | "traffic"
  /** It calls `peer`, which it never did, in the share `size` of its runs. */
  | "new_call"
  /** The share `size` of its calls to `peer` is left out. */
  | "missing_call"
  /** Each call to `peer` is tried `size` times until it succeeds. */
  | "retry_storm"
  /** Each call to `peer` is made `size` times, one after the other. */
  | "repeated_call"
  /** Each call to `peer` is made `size` times at once. */
  | "fan_out"
  /** The share `size` of its calls to `peer` goes to an operation that never was. */
  | "new_operation"
  /** In the share `size` of its runs it makes its calls in the opposite order. */
  | "new_path";

export interface Fault {
  readonly kind: FaultKind;
  /** "cart GET /cart"; of a delay also a service, for all its edges. */
  readonly target: string;
  /** What the target calls: an operation, or a name of what does not report; of a delay: the edge between the two. */
  readonly peer?: string;
  readonly size: number;
  /** exception.type of errors. */
  readonly exception?: string;
  /** Unix milliseconds. */
  readonly from: number;
  readonly to: number;
}

/** Who is at fault, and who only suffers. */
export interface Truth {
  /** At the ends of an edge both. */
  readonly services: readonly string[];
  /** Service and span name. */
  readonly operations: readonly string[];
  /** Services that call those at fault, directly or not, as far as they are not themselves. */
  readonly ancestors: readonly string[];
  /** Services that they call, likewise. */
  readonly descendants: readonly string[];
}

/** Makes it so. What faults changed before is undone first. */
export function applyFaults(system: System, faults: readonly Fault[]): void {
  for (const operation of system.operations.values()) {
    Object.assign(operation, {
      factor: 1,
      failing: Number.NaN,
      raised: undefined,
      extra: undefined,
      extraShare: 0,
      reversed: 0,
      traffic: 1,
    });
  }
  for (const edge of system.edges) {
    Object.assign(edge, { delay: 1, attempts: 1, repeated: 1, fanOut: 1, skipped: 0, instead: undefined });
  }
  for (const fault of faults) apply(system, fault);
}

function apply(system: System, fault: Fault): void {
  const { kind, target, peer, size } = fault;
  if (kind === "delay") {
    for (const edge of edgesOf(system, fault)) edge.delay *= size;
    return;
  }
  const operation = found(system.operations, target);
  if (kind === "slow") operation.factor *= size;
  else if (kind === "fast") operation.factor /= size;
  else if (kind === "traffic") operation.traffic *= size;
  else if (kind === "new_path") operation.reversed = size;
  else if (kind === "errors") Object.assign(operation, { failing: size, raised: fault.exception });
  else if (kind === "new_call") {
    const to = found(system.operations, peer!);
    operation.extra = new Edge(operation, to, { via: "http", to: to.key }, 0.4);
    operation.extraShare = size;
  } else {
    for (const edge of edgesOf(system, fault)) {
      if (kind === "missing_call") edge.skipped = size;
      else if (kind === "retry_storm") edge.attempts = size;
      else if (kind === "repeated_call") edge.repeated = size;
      else if (kind === "fan_out") edge.fanOut = size;
      else {
        const to = renamed(edge.to!);
        edge.instead = new Edge(operation, to, { ...edge.spec, to: to.key }, edge.gap);
        edge.insteadShare = size;
      }
    }
  }
}

/** Another version of the operation, under a name that no one has seen. */
function renamed(operation: Operation): Operation {
  const { service, kind, median, sd, errors, exception, steps } = operation;
  const key = `${service} ${newName(operation.name)}`;
  return Object.assign(new Operation(key, { kind, own: [median, sd], errors, exception }, 1), { steps });
}

export const newName = (name: string) => (name.includes("/") ? name.replace("/", "/v2/") : `${name} v2`);

function edgesOf(system: System, { kind, target, peer }: Fault): Edge[] {
  const edges = system.edges.filter((edge) => {
    if (peer !== undefined) return edge.from.key === target && edge.spec.to === peer;
    return edge.spec.via !== "local" && (edge.from.service === target || edge.to?.service === target);
  });
  if (edges.length === 0) throw new Error(`a fault (${kind}) is of ${target} and ${peer}, and there is no such edge`);
  return edges;
}

export function truthOf(system: System, fault: Fault): Truth {
  const { kind, target, peer } = fault;
  const whole = !target.includes(" ");
  const operations = whole ? [] : [target];
  const services = new Set([whole ? target : split(target)[0]]);
  if (peer !== undefined) {
    const edge = system.edges.find((each) => each.from.key === target && each.spec.to === peer);
    const to = system.operations.get(peer) ?? edge?.to;
    const [own] = split(target);
    if (to) {
      services.add(to.service);
      operations.push(to.key);
      if (kind === "new_operation") operations.push(`${to.service} ${newName(to.name)}`);
    }
    // the span that calls
    operations.push(`${own} ${to ? to.name : peer}`);
  }
  const reached = (forward: boolean) => {
    const seen = new Set([...system.operations.values()].filter((each) => atFault(each, whole, target, peer)));
    for (const operation of seen) {
      for (const { from, to } of system.edges) {
        if (forward && from === operation && to) seen.add(to);
        if (!forward && to === operation) seen.add(from);
      }
    }
    return [...new Set([...seen].map(({ service }) => service))].filter((service) => !services.has(service));
  };
  return { services: [...services], operations, ancestors: reached(false), descendants: reached(true) };
}

function atFault(operation: Operation, whole: boolean, target: string, peer: string | undefined): boolean {
  return whole ? operation.service === target : operation.key === target || operation.key === peer;
}
