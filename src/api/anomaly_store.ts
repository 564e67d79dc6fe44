// What is kept of anomalies for people: episodes and incidents, what users said of them, what that changes, what was attempted.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Anomaly, Severity } from "./anomaly.ts";

/** "good": it was worth telling; "bad": it was nothing; "expected": it is planned, until a time. */
export type Opinion = "good" | "bad" | "expected";

/** What a user said of an episode or incident. */
export interface Feedback {
  readonly id: string;
  /** Id of the episode or incident. */
  readonly about: string;
  readonly opinion: Opinion;
  readonly note: string;
  /** Who said it and by which way: "api", "command", "alertmanager silence 6f1c". */
  readonly by: string;
  /** Unix milliseconds: when it was said, and when it ends to count. */
  readonly at: number;
  readonly until: number;
}

/** What feedback changes for anomalies to come. All that fit apply, the strongest alone. */
export interface Effect {
  /** Of the feedback that it follows from. */
  readonly feedback: readonly string[];
  /** Which anomalies: those of one fingerprint, those of its type by that detector on that service, or those that look alike. */
  readonly scope: "fingerprint" | "kind" | "look_alike";
  /** What an anomaly must have to be meant; absent fields are not asked for. */
  readonly match: {
    readonly fingerprint?: string;
    readonly detector?: string;
    readonly type?: string;
    readonly service?: string;
    readonly name?: string;
    readonly direction?: "above" | "below";
  };
  /** Scores are multiplied by it: less than 1 asks for more surprise, more than 1 sharpens. */
  readonly factor: number;
  /** An anomaly whose own score is larger is never changed by it; Infinity where it sharpens. */
  readonly upTo: number;
  /** Nor is one that lies farther than this from what was expected, or beyond its bounds, in the row's unit: scores say how rare something is, and hardly how large. */
  readonly reach?: number;
  /** The same as a multiple of how far the bound lies from what was expected, where different series are meant, which need not be of one size. */
  readonly bands?: number;
  /** Unix milliseconds. */
  readonly until: number;
  /** One plain sentence: what it does. */
  readonly says: string;
}

/** One thing that was attempted outside: a remedy, a page. */
export interface AuditRecord {
  /** Unix milliseconds. */
  readonly at: number;
  /** Component id. */
  readonly by: string;
  /** Id of the episode or incident. */
  readonly about: string;
  readonly action: string;
  /** "dry_run", "done", "failed", "refused", "waiting" ... */
  readonly outcome: string;
  readonly detail: string;
}

/** Ids of episodes and incidents. */
export interface ChangedAnomalies {
  readonly incidents: readonly string[];
  readonly episodes: readonly string[];
}

/** An episode as it is kept, without what it is about. Unix milliseconds. */
export interface KeptEpisode {
  readonly id: string;
  readonly start: number;
  /** null while it goes on. */
  readonly end: number | null;
  readonly severity: Severity;
  /** Id of the incident that it is part of. */
  readonly incident: string | null;
}

/** How much was told: incidents, and episodes that are part of none. */
export interface Tally {
  /** That are not resolved now, whenever they began. */
  readonly open: Readonly<Record<Severity, number>>;
  /** By day and by what users said of them; null: nothing. `day` is the number of whole days since 1970 at that offset from UTC. */
  readonly days: readonly { readonly day: number; readonly opinion: Opinion | null; readonly told: number }[];
  /** Episodes by the component that found them, those that were called nothing among them; the noisiest first, 100 at most. */
  readonly detectors: readonly { readonly id: string; readonly told: number; readonly bad: number }[];
}

/** Offered by an extension: see `Extension.anomalies`. Nothing here waits for a disk but where a promise says so. */
export interface AnomalyStore {
  /** Keeps the latest of each episode and incident; resolves once a death of the process would not lose it. */
  keep(changes: readonly Anomaly[]): Promise<void>;
  /** What feedback that holds now changes; the same array until that changes. */
  readonly effects: readonly Effect[];
  /** Takes feedback in, durably. Rejects when nothing of that id is kept, with words for the user. */
  teach(feedback: Pick<Feedback, "about" | "opinion" | "note" | "by"> & { readonly until?: number }): Promise<Feedback>;
  /** Ends feedback and what it changed; false when there is none of that id. */
  takeBack(id: string): Promise<boolean>;
  audit(record: AuditRecord): void;
  /**
   * Answers a request of its HTTP API for who has checked the sender; never rejects. `by` is who asks, as feedback will say; undefined is a stranger, of
   * whom signed feedback alone is taken.
   */
  answer(request: IncomingMessage, response: ServerResponse, by: string | undefined): Promise<void>;
  /** Tells what has changed, or what something was said of, until the function that it returns is called. */
  watch(listener: (changed: ChangedAnomalies) => void): () => void;
  /** Episodes of a fingerprint that were under way between two times, the latest first, 200 at most. */
  episodes(fingerprint: string, since: number, until: number): Promise<readonly KeptEpisode[]>;
  /** Of what began between two times; `offset` is in milliseconds, east of UTC. */
  tally(since: number, until: number, offset: number): Promise<Tally>;
}
