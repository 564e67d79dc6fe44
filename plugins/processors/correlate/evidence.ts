// What an anomaly is evidence of: where it happened, and which way such a thing spreads among services that call each other.
import { type Anomaly, type Labels, serviceName } from "vedette";

/**
 * - load: how often something is called; spreads from callers to callees.
 * - slow, fail, log: spread from callees to callers.
 * - wait: a call takes long on its way or at the far side; the caller is the last to blame.
 * - resource: metrics of a process, a host or a store; of its own, and shows what is called to be at fault.
 * - change: another behaviour of the service itself, of which nothing else is the cause.
 */
export const KINDS = ["load", "slow", "wait", "fail", "log", "resource", "change"] as const;
export type Kind = (typeof KINDS)[number];

/** Spread to those that call. */
export const RISES: ReadonlySet<Kind> = new Set(["slow", "wait", "fail", "log"]);
/** What callers suffer from. */
export const RAISES: ReadonlySet<Kind> = new Set([...RISES, "resource"]);

/** What is told, or nearly was. */
export type Surprise = Pick<Anomaly, "type" | "signal" | "labels" | "observed" | "expected">;

const BY_TYPE: Readonly<Record<string, Kind>> = {
  latency: "slow",
  error_rate: "fail",
  retry_storm: "fail",
  missing_edge: "fail",
  new_edge: "change",
  repeated_call: "change",
  fan_out: "change",
  new_path: "change",
  high_cardinality: "change",
  missing_field: "change",
  new_value: "change",
};

/** Of metrics by their name: what takes long, what fails, what comes. */
const SLOW = /duration|latency|response[._]time|elapsed/i;
const FAIL = /error|fail|exception|timeout|refused|5xx/i;
const LOAD = /requests?\b|[._]calls?\b|throughput|messages?\b|\boperations?\b/i;

export function kindOf({ type, signal, labels, observed, expected }: Surprise): Kind {
  // what is quicker than usual waits for nobody
  if (type === "latency" && observed < expected) return "change";
  if (type === "latency" && labels.kind === "client") return "wait";
  // a service of which nothing comes any more
  if (type === "absence" && labels.name === "") return "fail";
  const known = BY_TYPE[type];
  if (known) return known;
  if (signal === "traces") return type === "throughput" || type === "absence" ? "load" : "change";
  if (signal === "logs") return type === "absence" ? "load" : "log";
  if (SLOW.test(labels.name)) return labels.statistic === "rate" ? "load" : "slow";
  if (FAIL.test(labels.name)) return "fail";
  return LOAD.test(labels.name) ? "load" : "resource";
}

/** Of telemetry without a service, what it is about; the first that is there. */
const PLACES = ["k8s.pod.name", "container.name", "host.name", "k8s.node.name", "host.id", "db.namespace"];
/** What a service runs on. */
const HOSTS = ["host.name", "k8s.node.name"];

/** "payments/checkout"; "host.name db-1" of what names no service; "" of what names nothing. */
export function placeOf(labels: Labels): string {
  const service = serviceName(labels);
  if (service !== "") return service;
  const key = PLACES.find((each) => labels.resource[each] !== undefined);
  return key === undefined ? "" : `${key} ${labels.resource[key]}`;
}

/** Places that what is at `place` rests on, or calls, as the anomaly itself tells. */
export function reliesOn({ labels }: Anomaly, place: string): string[] {
  const named = HOSTS.flatMap((key) => (labels.resource[key] === undefined ? [] : `${key} ${labels.resource[key]}`));
  const { attributes, kind } = labels;
  const peer = kind === "client" || kind === "producer" ? attributes["peer.service"] : undefined;
  if (typeof peer === "string") named.push(peer);
  return named.filter((each) => each !== place);
}

/** As people say it: without the key that tells a host from a service. */
export function spoken(place: string): string {
  const key = PLACES.find((each) => place.startsWith(`${each} `));
  if (place === "") return "something that names no service";
  return key === undefined ? place : place.slice(key.length + 1);
}
