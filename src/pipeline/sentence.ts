// The sentence of an anomaly, as a person on call would say it. Off the hot path.
import { type Attributes, type AttributeValue, type Labels, type Said, serviceName } from "../api/index.ts";
import type { Evidence } from "./finding.ts";
import { seriesName } from "./match.ts";

/** Sorted by key, values as text: the same however they came. */
export function canonical(attributes: Attributes): [string, string][] {
  return Object.keys(attributes)
    .sort()
    .map((key) => [key, text(attributes[key])]);
}

export function text(value: AttributeValue): string {
  if (typeof value === "bigint") return `${value}`;
  return JSON.stringify(value, (_, inner) => (typeof inner === "bigint" ? `${inner}` : inner));
}

/** In a unit a person reads, with at most so many significant digits: "1.2 s", "930 ms", "31.5", "12,400". */
export function quantity(value: number, unit: string, precision = 4): string {
  if (!Number.isFinite(value)) return String(value);
  const digits = (of: number) => significant(of, precision);
  if (unit === "ms" && Math.abs(value) >= 1000) return `${digits(value / 1000)} s`;
  if (unit === "s" && value !== 0 && Math.abs(value) < 1) return `${digits(value * 1000)} ms`;
  if (unit === "By" || unit === "By/s") {
    const step = Math.min(4, Math.max(0, Math.floor(Math.log2(Math.max(1, Math.abs(value))) / 10)));
    return `${digits(value / 1024 ** step)} ${["B", "KiB", "MiB", "GiB", "TiB"][step]}${unit.slice(2)}`;
  }
  const shown = unit === "1" || unit === "" ? "" : unit.replace(/^1\//, "/").replace(/^\{(.*?)\}/, "$1");
  return shown === "" ? digits(value) : shown.startsWith("/") ? digits(value) + shown : `${digits(value)} ${shown}`;
}

function significant(value: number, precision: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e15)) return value.toExponential(2);
  if (size >= 1e4) return Math.round(value).toLocaleString("en-US");
  return String(Number(value.toPrecision(precision)));
}

/** "checkout http.server.duration p95 (route=/cart)", or "duration of GET /cart of checkout". */
export function subject({ signal, measure }: Pick<Evidence, "signal" | "measure">, labels: Labels): string {
  const service = serviceName(labels);
  if (signal !== "metrics") {
    const name = measure?.name ?? seriesName(labels);
    return service === "" ? name : `${name} of ${service}`;
  }
  const attributes = canonical(labels.attributes).slice(0, 4);
  const which = attributes.map(([key, value]) => `${key}=${value.replace(/^"|"$/g, "")}`).join(", ");
  const name = measure?.name ?? `${labels.name} ${labels.statistic}`.trimEnd();
  return `${service} ${name}${which === "" ? "" : ` (${which})`}`.trimStart();
}

/** What the value does, by anomaly.type; of others it simply "is". */
const VERBS: Readonly<Record<string, string>> = {
  level_shift: "has moved to",
  drift: "has drifted to",
};

const USUALLY = [
  "usually it is",
  "at this hour it is usually",
  "at this hour of the week it is usually",
  "with its service as busy as it is, usually",
];

/** "checkout http.server.duration p95 is 2.31 s; at this hour it is usually 180 to 420 ms (rarer than 1 in 2 million)." */
export function sentence(evidence: Evidence, labels: Labels): string {
  const unit = evidence.measure?.unit ?? labels.unit;
  if (evidence.measure?.say) {
    return `${evidence.measure.say(said(evidence, labels, unit))}${chances(evidence.rarity)}${lasting(evidence)}.`;
  }
  const { observed, expected, lower, upper, rarity, basis, type } = evidence;
  const verb = VERBS[type];
  const what = `${subject(evidence, labels)} ${verb ?? "is"} ${quantity(observed, unit)}`;
  const usually = verb ? "before it was usually" : (USUALLY[basis] ?? USUALLY[0]);
  let usual = "";
  if (Number.isFinite(expected)) {
    const band = Number.isFinite(lower) && Number.isFinite(upper) && lower < upper;
    usual = `; ${usually} ${band ? between(lower, upper, unit) : `about ${quantity(expected, unit)}`}`;
  } else if (observed > upper) usual = `, above its limit of ${quantity(upper, unit)}`;
  else if (observed < lower) usual = `, below its limit of ${quantity(lower, unit)}`;
  return `${what}${usual}${chances(rarity)}${lasting(evidence)}.`;
}

const NOUN = { metrics: "points", logs: "records", traces: "spans" } as const;

/** "; since 12:04 UTC, 31 spans"; nothing where it is one row alone. */
function lasting({ since, rows, signal, time }: Evidence): string {
  if (since === undefined || !(since < time)) return "";
  const clock = new Date(since).toISOString().slice(11, 16);
  const many = rows !== undefined && rows > 1 ? `, ${quantity(rows, "")} ${NOUN[signal]}` : "";
  return `; since ${clock} UTC${many}`;
}

function said({ observed, expected, lower, upper }: Evidence, labels: Labels, unit: string): Said {
  const shown = (value: number) => (Number.isFinite(value) ? quantity(value, unit, 3) : "");
  return {
    service: serviceName(labels),
    observed: shown(observed),
    expected: shown(expected),
    lower: shown(lower),
    upper: shown(upper),
    side: observed > upper ? "above" : observed < lower ? "below" : "within",
    numbers: { observed, expected },
  };
}

/** "180 to 420 ms": the unit once where both have the same, and as many digits as tell the two apart well. */
function between(lower: number, upper: number, unit: string): string {
  const apart = Math.log10(Math.max(Math.abs(lower), Math.abs(upper)) / (upper - lower));
  const precision = Math.min(8, Math.max(2, Math.ceil(apart) + 2));
  const low = quantity(lower, unit, precision);
  const high = quantity(upper, unit, precision);
  const space = high.lastIndexOf(" ");
  const own = space < 0 ? "" : high.slice(space);
  return `${own !== "" && low.endsWith(own) ? low.slice(0, -own.length) : low} to ${high}`;
}

/** " (rarer than 1 in 2 million)"; nothing where no probability is claimed. */
export function chances(rarity: number): string {
  if (Number.isNaN(rarity)) return "";
  const rows = 10 ** rarity;
  if (rows < 999.5) return ` (rarer than 1 in ${Math.round(rows)})`;
  if (rows < 999.5e3) return ` (rarer than 1 in ${Math.round(rows / 1e3)} thousand)`;
  if (rows < 999.5e6) return ` (rarer than 1 in ${Math.round(rows / 1e6)} million)`;
  if (rows < 999.5e9) return ` (rarer than 1 in ${Math.round(rows / 1e9)} billion)`;
  return " (rarer than 1 in a trillion)";
}
