// Points of metrics from further back than the agent remembers, from a Prometheus that has them under the names of its OTLP receiver.
import { type Host, type Labels, serviceName, UNIT_WORDS, z } from "vedette";
import { HttpClient, refusal, wordsOf } from "vedette/http";
import type { PrometheusOptions } from "./options.ts";

/** Points of one answer, about, and its bytes. */
const MOST_POINTS = 400;
const MOST_BYTES = 4 * 1024 ** 2;
/** Seconds: what rates are reckoned over at least, and the shortest step. */
const LEAST_RANGE = 300;
const LEAST_STEP = 15;

const PER: Readonly<Record<string, string>> = {
  s: "second",
  min: "minute",
  h: "hour",
  d: "day",
  m: "month",
  y: "year",
};

export interface Range {
  /** Unix milliseconds, ascending. */
  readonly time: readonly number[];
  readonly observed: readonly number[];
  /** Milliseconds a point. */
  readonly width: number;
  /** One sentence: where they come from. */
  readonly says: string;
}

const answer = z.object({
  data: z.object({
    result: z.array(z.object({ values: z.array(z.tuple([z.number(), z.string()])) })).max(10_000),
  }),
});

export class Prometheus {
  readonly #client: HttpClient;
  readonly #url: URL;
  readonly #timeout: number;
  readonly #host: Host;

  constructor(options: PrometheusOptions, host: Host) {
    this.#url = new URL(`${options.endpoint.replace(/\/+$/, "")}/api/v1/query_range`);
    this.#client = new HttpClient(options, [this.#url], host);
    this.#timeout = options.timeout;
    this.#host = host;
  }

  open(): Promise<void> {
    return this.#client.open();
  }

  close(): void {
    this.#client.close();
  }

  /** Unix milliseconds. Rejects, in words for a reader of the chart, when there are none. */
  async range(labels: Labels, from: number, until: number): Promise<Range> {
    const step = Math.max(LEAST_STEP, Math.ceil((until - from) / 1000 / MOST_POINTS));
    const query = queryOf(labels, Math.max(LEAST_RANGE, 2 * step));
    const form = { query, start: String(from / 1000), end: String(until / 1000), step: String(step) };
    const body = Buffer.from(new URLSearchParams(form).toString());
    const request = { body, contentType: "application/x-www-form-urlencoded", mostOfAnswer: MOST_BYTES };
    const got = await this.#client.send(this.#url, request, AbortSignal.timeout(this.#timeout));
    const name = this.#client.nameOf(this.#url);
    if (got.status !== 200) {
      const secrets = this.#client.secretsOf(this.#url);
      throw refusal(name, got, this.#host.now(), { said: { message: wordsOf(got) }, secrets });
    }
    const { data } = answer.safeParse(parsed(got.body));
    if (!data) throw new Error(`${name} answered not as a Prometheus does; is the endpoint right?`);
    const { result } = data.data;
    const most = result.reduce(
      (best, { values }) => (values.length > best.length ? values : best),
      [] as [number, string][],
    );
    if (most.length === 0) throw new Error(`${name} has no points for ${query}`);
    const several = result.length > 1 ? `, the longest of ${result.length} series that fit` : "";
    return {
      time: most.map(([seconds]) => seconds * 1000),
      observed: most.map(([, text]) => numberOf(text)),
      width: step * 1000,
      says: `Points from before the agent's own come from Prometheus (${query})${several}; they have no expected range.`,
    };
  }
}

const numberOf = (text: string) =>
  text === "+Inf" ? Number.POSITIVE_INFINITY : text === "-Inf" ? Number.NEGATIVE_INFINITY : Number(text);

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

/** The query that gives what a series of ours is; `range` in seconds. Whether suffixes of units and types are added is up to who configured Prometheus: all are asked for. */
export function queryOf(labels: Labels, range: number): string {
  const { statistic } = labels;
  const rate = (part: string) => `rate(${selector(labels, part)}[${range}s])`;
  const quantile = /^p(\d+(?:\.\d+)?)$/.exec(statistic)?.[1];
  if (quantile !== undefined) return `histogram_quantile(${Number(quantile) / 100}, ${rate("_bucket")})`;
  // `on` what both have: the name is not
  if (statistic === "mean") return `${rate("_sum")} / ignoring (__name__) ${rate("_count")}`;
  if (statistic === "rate") return labels.unit === "1/s" ? rate("(_total|_count)?") : rate("(_total)?");
  return selector(labels, "");
}

function selector({ name, unit, statistic, attributes, resource, ...rest }: Labels, part: string): string {
  const base = name.replace(/[^a-zA-Z0-9_:]/g, "_").replace(/^(?=\d)/, "_");
  const collapsed = base.replace(/_+/g, "_");
  const bases = [...new Set([base, collapsed])].join("|");
  const units = unitNames(statistic === "rate" ? unit.replace(/\/s$/, "") : unit);
  const suffix = units.length > 0 ? `(_(${units.join("|")}))?` : "";
  const job = serviceName({ name, unit, statistic, attributes, resource, ...rest });
  const pairs: [string, string][] = job === "" ? [] : [["job", job]];
  const instance = resource["service.instance.id"];
  if (instance !== undefined) pairs.push(["instance", String(instance)]);
  for (const key of Object.keys(attributes).sort()) {
    const value = attributes[key];
    // others are written as JSON, by everybody in their own way
    if (typeof value === "object") continue;
    pairs.push([key.replace(/[^a-zA-Z0-9_]/g, "_").replace(/^(?=\d|$)/, "_"), String(value)]);
  }
  const matchers = pairs.map(([label, value]) => `${label}="${escaped(value)}"`);
  return `{${[`__name__=~"(${bases})${suffix}${part}"`, ...matchers].join(", ")}}`;
}

const escaped = (text: string) => text.replace(/[\\"]/g, "\\$&").replace(/\n/g, "\\n");

/** "bytes", "requests_per_second" is none: annotations have no name. */
function unitNames(unit: string): string[] {
  if (unit === "1") return ["ratio"];
  const [of, per] = unit.replace(/\{[^}]*\}/g, "").split("/", 2);
  const first = of === "" || of === "1" ? "" : (UNIT_WORDS[of] ?? of.replace(/[^a-zA-Z0-9]/g, "_"));
  const second =
    per === undefined || per === "" ? "" : `per_${PER[per] ?? UNIT_WORDS[per] ?? per.replace(/[^a-zA-Z0-9]/g, "_")}`;
  const name = [first, second].filter(Boolean).join("_");
  return name === "" ? [] : [name];
}
