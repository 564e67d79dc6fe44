// What the page and the server say to each other, as JSON; what the API of anomaly_store answers is in docs/openapi.yaml. Times are Unix milliseconds.

export type Severity = "info" | "warning" | "critical";
export type State = "open" | "ongoing" | "resolved";
export type Signal = "metrics" | "traces" | "logs";
export type Opinion = "good" | "bad" | "expected";
/** NaN is null, the infinities are text. */
export type Num = number | null | "Infinity" | "-Infinity";

/** GET /api/v1/session. */
export interface Session {
  /** null: nobody is logged in, and one must be. */
  readonly role: "operator" | "reader" | null;
  /** Whether there is something to log in to, and out of. */
  readonly login: boolean;
  /** To be sent as `x-csrf-token` with every request that changes something. */
  readonly csrf: string;
  readonly version: string;
  /** Whether an anomaly_store is there; without one there are no incidents and no feedback. */
  readonly store: boolean;
}

/** GET /api/v1/status, and the event "status" each second. */
export interface Status {
  readonly time: number;
  readonly version: string;
  readonly started: number;
  readonly rows_per_second: { readonly metrics: number; readonly traces: number; readonly logs: number };
  /** When the last request came; null before the first. */
  readonly last_row: number | null;
  /** Series that detectors watch, and those of them that are still warming. */
  readonly series: number;
  readonly warming: number;
  readonly memory_bytes: number;
  /** null where memory_limiter sets none. */
  readonly memory_limit_bytes: number | null;
  /** Part of one core, from 0. */
  readonly cpu: number;
  /** The fullest queue of an exporter. */
  readonly queue: { readonly exporter: string; readonly size: number; readonly capacity: number } | null;
  readonly open: { readonly critical: number; readonly warning: number; readonly info: number };
  /** Alarms a day that the detectors may raise together, as configured; null where none has an alert_budget. And incidents told in the last 24 hours. */
  readonly alert_budget: { readonly per_day: number | null; readonly used: number };
  /** Components that are not well. */
  readonly unwell: readonly { readonly id: string; readonly reason: string }[];
}

/** The event "changed": ids of incidents and episodes that are new or other than before; at most 100, then `more`. */
export interface Changed {
  readonly incidents: readonly string[];
  readonly episodes: readonly string[];
  readonly more: boolean;
}

/** As anomaly_store keeps an episode. */
export interface Told {
  readonly id: string;
  readonly fingerprint: string;
  readonly state: State;
  readonly severity: Severity;
  readonly signal: Signal;
  readonly type: string;
  readonly detector: string;
  /** "namespace/name", or the name. */
  readonly service: string;
  readonly name: string;
  readonly direction: "above" | "below" | "";
  readonly start: number;
  readonly last_seen: number;
  readonly end: number | null;
  readonly peak: Num;
  readonly count: number;
  readonly score: Num;
  readonly rarity: Num;
  readonly observed: Num;
  readonly expected: Num;
  readonly lower: Num;
  readonly upper: Num;
  readonly unit: string;
  readonly reason: string;
  readonly contributors: readonly string[];
  readonly incident: string | null;
  readonly labels?: ToldLabels;
}

export interface ToldLabels {
  readonly resource: Readonly<Record<string, unknown>>;
  readonly name: string;
  readonly statistic: string;
  readonly kind?: string;
  readonly part?: string;
  readonly unit: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly trace_id: string;
  readonly span_id: string;
  readonly template?: string;
  readonly example?: string;
}

export interface Feedback {
  readonly id: string;
  readonly about: string;
  readonly opinion: Opinion;
  readonly note: string;
  readonly by: string;
  readonly at: number;
  readonly until: number;
  readonly taken_back?: number | null;
}

export interface Effect {
  readonly feedback: readonly string[];
  readonly scope: "fingerprint" | "kind" | "look_alike";
  readonly match: Readonly<Record<string, string>>;
  readonly factor: number;
  readonly until: number;
  /** One sentence. */
  readonly says: string;
}

/** GET /api/v1/feedback/preview?about=&opinion=&until=. */
export interface Preview {
  readonly effects: readonly Effect[];
  /** Of so many episodes of the last seven days, so many would not have been told. */
  readonly held_back: number;
  readonly of: number;
}

/** GET /api/v1/incidents?state=open&state=ongoing&since=&until=&severity=&service=&limit=&cursor=. */
export interface Incident extends Told {
  readonly episodes: number;
  readonly origins: readonly {
    readonly service: string;
    readonly share: number;
    readonly reasons: readonly string[];
  }[];
  readonly services: readonly string[];
  readonly traces: readonly string[];
  readonly templates: readonly string[];
}

/** GET /api/v1/incidents/ID. */
export interface IncidentWhole extends Incident {
  readonly members: readonly Told[];
  readonly feedback: readonly Feedback[];
}

/** GET /api/v1/audit?about=ID: also what exporters did with an alert, as action "send". */
export interface Audit {
  readonly at: number;
  /** Component id. */
  readonly by: string;
  readonly about: string;
  readonly action: string;
  /** "done", "failed" ... */
  readonly outcome: string;
  readonly detail: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

/** GET /api/v1/series?q=&state=&service=&fingerprint=&limit=&cursor=; `q` is words, all of which must be in the name, service, attributes or detector. The anomalous and the latest anomalous first. */
export interface SeriesItem {
  readonly fingerprint: string;
  readonly signal: Signal;
  readonly service: string;
  /** Metric, operation or severity, with its statistic or part: "http.server.duration p95". */
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly unit: string;
  readonly detector: string;
  readonly pipeline: string;
  readonly state: "warming" | "quiet" | "over";
  readonly score: Num;
  readonly observed: Num;
  readonly expected: Num;
  readonly lower: Num;
  readonly upper: Num;
  readonly time: number;
  readonly last_over: number | null;
  readonly rows: number;
  readonly warmup: number;
  /** At most 60 points, for a sparkline. */
  readonly spark: SparkPoints;
}

export interface SparkPoints {
  readonly observed: readonly Num[];
  readonly lower: readonly Num[];
  readonly upper: readonly Num[];
  /** 1 where the score is past the line. */
  readonly over: readonly (0 | 1)[];
}

export interface SeriesPage extends Page<SeriesItem> {
  /** How many fit in all. */
  readonly total: number;
  /** How many fit of each state, whichever was asked for. */
  readonly states: Readonly<Record<SeriesItem["state"], number>>;
  /** Of all series, by name; at most 500. */
  readonly services: readonly string[];
}

/** GET /api/v1/series/FINGERPRINT?from=&until=. */
export interface SeriesWhole extends SeriesItem {
  readonly points: {
    /** Milliseconds a point. */
    readonly width: number;
    readonly time: readonly number[];
    readonly observed: readonly Num[];
    readonly expected: readonly Num[];
    readonly lower: readonly Num[];
    readonly upper: readonly Num[];
    readonly score: readonly Num[];
  };
  /** Where the points come from: "agent", or "prometheus" for what lies further back. */
  readonly source: "agent" | "prometheus";
  /** Whether there may be points from further back than the agent's. */
  readonly further: boolean;
  readonly episodes: readonly {
    readonly id: string;
    readonly start: number;
    readonly end: number | null;
    readonly severity: Severity;
    readonly incident: string | null;
  }[];
  /** Whole sentences: why the last row is (not) an anomaly, what the detector knows, what feedback changes here. */
  readonly explain: readonly string[];
}

/** GET /api/v1/traces/ID; 404 where it is not kept any more. */
export interface Trace {
  readonly trace_id: string;
  readonly spans: readonly {
    readonly span_id: string;
    readonly parent: number;
    readonly name: string;
    readonly service: string;
    readonly kind: number;
    readonly start: number;
    readonly duration: number;
    readonly self: number;
    readonly failed: boolean;
  }[];
}

/** GET /api/v1/quality?days=7. */
export interface Quality {
  readonly budget: { readonly per_day: number | null; readonly used: number };
  /** Incidents (episodes where there are none) by day of the viewer: `offset` minutes east of UTC is a parameter. */
  readonly days: readonly {
    readonly date: string;
    readonly good: number;
    readonly bad: number;
    readonly expected: number;
    readonly unjudged: number;
  }[];
  /** The last rehearsal of self_test; null before the first, or without one. */
  readonly self_test: {
    readonly time: number;
    readonly alarms: number;
    readonly minutes: number;
    readonly kinds: readonly {
      readonly signal: Signal;
      readonly kind: string;
      readonly found: number;
      readonly planted: number;
    }[];
  } | null;
  /** By episodes told in those days, the noisiest first. */
  readonly detectors: readonly {
    readonly id: string;
    readonly told: number;
    readonly bad: number;
    /** The option that makes it quieter, with its value now: "alert_budget: 5/day"; and where it stands. */
    readonly setting: string;
    readonly path: string;
  }[];
}

/** GET /api/v1/pipelines. */
export interface Pipelines {
  readonly started: number;
  readonly pipelines: readonly {
    readonly id: string;
    readonly signal: Signal | "anomalies";
    readonly receivers: readonly string[];
    readonly processors: readonly string[];
    readonly exporters: readonly string[];
  }[];
  readonly components: readonly ComponentView[];
}

export interface ComponentView {
  /** "receivers", "processors" ... */
  readonly section: string;
  readonly id: string;
  /** Of a processor. */
  readonly pipeline?: string;
  readonly status: string;
  readonly reason?: string;
  readonly since: number;
  /** A second, over the last ten or so; null where it is not counted. */
  readonly incoming: number | null;
  readonly outgoing: number | null;
  /** Since the start. */
  readonly totals: Readonly<Record<string, number>>;
  readonly queue?: { readonly size: number; readonly capacity: number };
  /** Part of one core that it takes, of late. */
  readonly cpu: number | null;
  /** Effective options as YAML, secrets hidden. */
  readonly config: string;
}
