// The extension on a port of its own with a fake agent behind it, for tests: what it is asked and what it answers.
import { get as httpGet } from "node:http";
import dashboard from "../../../plugins/extensions/dashboard/index.ts";
import type { AgentView, History, SeriesPoints, WatchedSeries } from "../../../src/api/index.ts";
import { type FakeHost, fakeHost } from "../../../src/testing/index.ts";
import type { Scope } from "../../agent.ts";
import { anomalyOf } from "../../exporting.ts";

export interface Dashboard {
  readonly host: FakeHost;
  /** "http://127.0.0.1:40123". */
  readonly url: string;
  stop(): Promise<void>;
}

/** Unix milliseconds at which the clock of the host begins. */
export const NOW = Date.UTC(2026, 10, 23, 12);

let hosts = 0;
/** Each of another id: servers of one owner at one endpoint take each other's place. */
export const newHost = () => Object.assign(fakeHost(`dashboard/${++hosts}`), { time: NOW });

export async function start(scope: Scope, options: object = {}, host = newHost()): Promise<Dashboard> {
  const extension = dashboard.create(dashboard.config.parse({ endpoint: "127.0.0.1:0", ...options }), host);
  await extension.start!();
  extension.ready!(true);
  const stop = async () => void (await extension.stop!());
  scope.after(stop);
  const { fields } = host.logged.find(({ message }) => message === "listening")!;
  return { host, url: `http://${(fields as { endpoint: string }).endpoint}`, stop };
}

export interface Sent {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Got {
  readonly status: number;
  readonly json: any;
  readonly headers: Headers;
}

/** What it answers; a body is sent as JSON unless it is text. */
export async function ask({ url }: Pick<Dashboard, "url">, path: string, sent: Sent = {}): Promise<Got> {
  const { body, method = body === undefined ? "GET" : "POST", headers = {} } = sent;
  const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
  const answer = await fetch(url + path, {
    method,
    headers: { ...(text !== undefined && { "content-type": "application/json" }), ...headers },
    ...(text !== undefined && { body: text }),
  });
  const said = await answer.text();
  return { status: answer.status, json: /^[{[]/.test(said) ? JSON.parse(said) : said, headers: answer.headers };
}

/** The status of a GET that names another host than it goes to. */
export function statusFor({ url }: Pick<Dashboard, "url">, path: string, host: string): Promise<number | undefined> {
  const { port } = new URL(url);
  return new Promise((resolve, reject) => {
    httpGet({ port, host: "127.0.0.1", path, headers: { host }, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).once("error", reject);
  });
}

/** A series of a gauge, and its points a second apart that end at NOW. */
export function watched(changes: Partial<WatchedSeries> = {}): WatchedSeries {
  const { labels } = anomalyOf();
  return {
    fingerprint: "00000000000000aa",
    detector: "ewma",
    pipeline: "metrics",
    signal: "metrics",
    labels: {
      ...labels,
      name: "queue.depth",
      statistic: "",
      unit: "1",
      resource: { "service.name": "checkout" },
      attributes: {},
    },
    rows: 500,
    warmup: 50,
    state: "quiet",
    score: 0.3,
    rarity: 1.5,
    observed: 12,
    expected: 10,
    lower: 8,
    upper: 14,
    time: NOW - 3000,
    lastOver: Number.NaN,
    bytes: 1000,
    ...changes,
  };
}

export function pointsOf(count: number, changes: Partial<SeriesPoints> = {}): SeriesPoints {
  const all = (value: number) => new Array<number>(count).fill(value);
  return {
    width: 1000,
    time: Array.from({ length: count }, (_, i) => NOW - (count - 1 - i) * 1000),
    observed: Array.from({ length: count }, (_, i) => i),
    expected: all(10),
    lower: all(8),
    upper: all(14),
    score: all(0.3),
    ...changes,
  };
}

/** An agent that remembers these series, each with these points. */
export function remembering(host: FakeHost, series: readonly WatchedSeries[], points = pointsOf(100)): void {
  const history: History = {
    series: () => series,
    find: (fingerprint) => series.find((each) => each.fingerprint === fingerprint),
    points: (_, from = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY) => {
      const inside = points.time.flatMap((time, i) => (time >= from && time <= until ? [i] : []));
      const of = (column: readonly number[]) => inside.map((i) => column[i]);
      const { width, time, observed, expected, lower, upper, score } = points;
      return {
        width,
        time: of(time),
        observed: of(observed),
        expected: of(expected),
        lower: of(lower),
        upper: of(upper),
        score: of(score),
      };
    },
    trace: () => undefined,
    byteLength: 0,
    close() {},
  };
  host.agent = { ...host.agent, remember: () => history } satisfies AgentView;
}
