// What a silence is about, and the sentences that tell of it.
import type { Labels, Telemetry } from "vedette";
import { type Group, type Level, type Metric, type Tree, unpacked } from "./tree.ts";

/** What fell silent, in words and as labels; kept while the silence lasts. */
export interface Subject {
  /** Packed attributes. */
  readonly resource: string;
  readonly attributes: string;
  readonly scope: Labels["scope"];
  readonly name: string;
  readonly statistic: string;
  readonly kind: string;
  /** Which of several things about the same labels. */
  readonly about: string;
  /** "checkout", "no http.server.duration of checkout": how a sentence begins when it falls silent. */
  readonly said: string;
  /** How one begins when it is back: "checkout is back". */
  readonly back: string;
  /** Whether "they", not "it", usually come. */
  readonly many: boolean;
  readonly contributors: readonly string[];
}

const MOST_CONTRIBUTORS = 10;
const NOTHING = { resource: "", attributes: "", scope: { name: "", version: "" }, name: "", statistic: "", kind: "" };

export function labelsOf({ resource, attributes, scope, name, statistic, kind }: Subject): Labels {
  const labels = { resource: unpacked(resource), attributes: unpacked(attributes), scope, name, statistic };
  return { ...labels, ...(kind === "" ? {} : { kind }), unit: "s", traceId: "", spanId: "" };
}

/** "45 s", "4 min", "2.5 h", "3 days". */
export function lasting(seconds: number): string {
  const brief = (value: number) => String(value < 10 ? Math.round(value * 10) / 10 : Math.round(value));
  if (seconds < 100) return `${brief(seconds)} s`;
  if (seconds < 5940) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${brief(seconds / 3600)} h`;
  return `${brief(seconds / 86_400)} days`;
}

/** Everybody. */
export function theAgent(signal: Telemetry): Subject {
  const { what, comes, many } = ALL[signal];
  return {
    ...NOTHING,
    about: "agent",
    said: `No ${what} from anyone`,
    back: `${comes} in again`,
    many,
    contributors: [],
  };
}

const ALL = {
  metrics: { what: "metrics", comes: "Metrics come", many: true },
  traces: { what: "spans", comes: "Spans come", many: true },
  logs: { what: "records", comes: "Log records come", many: true },
} as const;

const NAMELESS = "A service without a name";

function serviceName(group: Group): string {
  const service = group.level === "instance" ? group.parent! : group;
  const { "service.name": name, "service.namespace": namespace } = unpacked(service.resource);
  if (name === undefined) return NAMELESS;
  return namespace === undefined ? String(name) : `${namespace}/${name}`;
}

/** Nothing for telemetry that names no service, such as that of a file. */
function ofService(group: Group): string {
  const name = serviceName(group);
  return name === NAMELESS ? "" : ` of ${name}`;
}

const INSTANCE_KEYS = ["service.instance.id", "k8s.pod.name", "host.name", "container.id", "host.id", "process.pid"];

function instanceName(group: Group): string {
  const resource = unpacked(group.resource);
  const key = INSTANCE_KEYS.find((key) => resource[key] !== undefined);
  return key ? String(resource[key]) : "without a name";
}

/** "http.server.duration", "GET /cart spans", "INFO records". */
function metricName(tree: Tree, { name, statistic }: Metric): string {
  if (tree.signal === "traces") return `${name} spans`;
  if (tree.signal === "logs") return `${name} records`;
  return statistic === "" || statistic === "rate" ? name : `${name}.${statistic}`;
}

function seriesName(tree: Tree, node: number): string {
  const attributes = Object.entries(unpacked(tree.attributes[node])).slice(0, 4);
  const which = attributes.map(([key, value]) => `${key}=${String(value)}`).join(", ");
  return metricName(tree, tree.metric[node]!) + (which === "" ? "" : ` (${which})`);
}

const several = (names: readonly string[]) => names.slice(0, 3).join(", ") + (names.length > 3 ? " and others" : "");

/** Of children of one group, which fell silent together. */
export function subjectOf(tree: Tree, group: Group, members: readonly number[]): Subject {
  return SUBJECTS[group.level](tree, group, members);
}

const SUBJECTS: Readonly<Record<Level, (tree: Tree, group: Group, members: readonly number[]) => Subject>> = {
  agent(tree, _, members) {
    const groups = members.map((node) => tree.group.get(node)!);
    const names = groups.map(serviceName).sort();
    const size = groups.reduce((sum, each) => sum + tree.sizeOf(each), 0);
    if (members.length === 1) {
      const said = `${names[0]} has fallen silent: ${none(tree, size, "its")}`;
      const contributors = namesBelow(tree, groups[0]);
      return {
        ...NOTHING,
        resource: groups[0].resource,
        about: "service",
        said,
        back: `${names[0]} is back`,
        many: areMany(tree, size),
        contributors,
      };
    }
    return {
      ...NOTHING,
      about: "services",
      said: `${members.length} services have fallen silent together (${several(names)}): ${none(tree, size, "their")}`,
      back: `The ${members.length} services that fell silent together (${several(names)}) are back`,
      many: true,
      contributors: names.slice(0, MOST_CONTRIBUTORS),
    };
  },
  service(tree, service, members) {
    const groups = members.map((node) => tree.group.get(node)!);
    const names = groups.map(instanceName).sort();
    const size = groups.reduce((sum, each) => sum + tree.sizeOf(each), 0);
    if (members.length === 1) {
      const who = `${serviceName(service)} (instance ${names[0]})`;
      const said = `${who} has fallen silent: ${none(tree, size, "its")}`;
      const contributors = namesBelow(tree, groups[0]);
      return {
        ...NOTHING,
        resource: groups[0].resource,
        about: "instance",
        said,
        back: `${who} is back`,
        many: areMany(tree, size),
        contributors,
      };
    }
    const who = `${members.length} instances of ${serviceName(service)}`;
    return {
      ...NOTHING,
      resource: service.resource,
      about: "instances",
      said: `${who} have fallen silent together (${several(names)}): ${none(tree, size, "their")}`,
      back: `The ${who} that fell silent together (${several(names)}) are back`,
      many: true,
      contributors: names.slice(0, MOST_CONTRIBUTORS),
    };
  },
  instance(tree, instance, members) {
    const metrics = [...new Set(members.map((node) => tree.metric[node]!))];
    const [first] = metrics;
    const { scope, name, statistic, kind } = first;
    const service = ofService(instance);
    const contributors = namesOf(tree, members);
    const base = { ...NOTHING, resource: instance.resource, many: members.length > 1, contributors };
    if (members.length === 1) {
      const attributes = tree.attributes[members[0]];
      const what = `${metricName(tree, first)}${service}`;
      const which = seriesName(tree, members[0]).slice(metricName(tree, first).length);
      return {
        ...base,
        attributes,
        scope,
        name,
        statistic,
        kind,
        about: "",
        said: `No ${what}${which}`,
        back: `${what}${which} is back`,
      };
    }
    if (metrics.length === 1) {
      const what = `${metricName(tree, first)}${service}`;
      const said = `No ${what} from ${members.length} of its series`;
      const back = `${what} is back in ${members.length} series`;
      return { ...base, scope, name, statistic, kind, about: "series", said, back };
    }
    const names = metrics.map((metric) => metricName(tree, metric)).sort();
    return {
      ...base,
      about: "series",
      said: `${members.length} of ${instance.children.size} ${SERIES[tree.signal]}${service} have stopped together (${several(names)}): none of them`,
      back: `The ${members.length} ${SERIES[tree.signal]}${service} that stopped together (${several(names)}) are back`,
    };
  },
};

function none(tree: Tree, size: number, whose: "its" | "their"): string {
  if (tree.signal === "traces") return "no spans";
  if (tree.signal === "logs") return "no records";
  return size === 1 ? "nothing" : `none of ${whose} ${size} series`;
}

const SERIES = { metrics: "series", traces: "operations", logs: "severities" } as const;

const areMany = (tree: Tree, size: number) => tree.signal !== "metrics" || size > 1;

function namesBelow(tree: Tree, group: Group): string[] {
  const instance = group.level === "instance" ? group : [...group.groups.values()][0];
  return instance ? namesOf(tree, instance.children.nodes()) : [];
}

function namesOf(tree: Tree, series: readonly number[]): string[] {
  const names = series.map((node) => seriesName(tree, node));
  return names.sort().slice(0, MOST_CONTRIBUTORS);
}
