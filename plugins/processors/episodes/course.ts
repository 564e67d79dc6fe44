// The course of one episode: what is known of it, and what is told of it when it changes.
import { type Anomaly, type AnomalyState, openedAt, type Severity, spokenDuration } from "vedette";
import type { Dated } from "./deadlines.ts";

/** An episode while it is remembered. Times are Unix milliseconds: of events, or of the agent's clock where that is said. */
export interface Course extends Dated {
  readonly id: string;
  readonly fingerprint: string;
  readonly start: number;
  lastSeen: number;
  peak: number;
  count: number;
  /** It is untold as long as it is too short; what is over is remembered for a while. */
  state: "untold" | "open" | "over";
  /** Since it opened, or opened again: its first moment, its anomalies, the worst of them, their gravest severity, the score that was told. */
  from: number;
  rows: number;
  worst: Anomaly;
  severity: Severity;
  score: number;
  /** By the agent's clock: when the last anomaly came; when it opened, or was last told; when it was over. */
  heard: number;
  told: number;
  over: number;
  /** What usually lies between two anomalies, of gaps that are long enough to matter; 0 where none was. */
  gap: number;
}

const DAY = 86_400_000;
/** Sender's clocks may run ahead by so much. */
const AHEAD = 60_000;

/** The time that something which came at `now` says it is of; where that clock cannot be right it is `now`. */
export function timeOf(time: number, now: number): number {
  return time > now - DAY && time <= now + AHEAD ? Math.trunc(time) : now;
}

/** Since when it lasts, as its finder says; `at` where that says nothing. */
export function startOf({ id, fingerprint }: Anomaly, at: number): number {
  const opened = id.startsWith(`${fingerprint}-`) ? openedAt(id) : Number.NaN;
  return opened > at - 7 * DAY && opened < at ? opened : at;
}

/** A number that can be compared. */
export const scoreOf = ({ score }: Anomaly): number => (Number.isNaN(score) ? 0 : score);

export const idOf = ({ fingerprint }: Anomaly, start: number) => `${fingerprint}-${Math.max(0, start).toString(36)}`;

/** The anomaly as a change of its episode: of `row` itself, or with it as the one that is shown. */
export function change(course: Course, state: AnomalyState, row: Anomaly): Anomaly {
  const { id, start, lastSeen, peak, count, severity } = course;
  const episode = { start, lastSeen, peak, count, ...(state === "resolved" && { end: lastSeen }) };
  return { ...row, id, state, severity, type: course.worst.type, episode };
}

/** What has become of it at `time` without a new row: its worst row, with how long it lasts. */
export function report(course: Course, state: AnomalyState, time: number): Anomaly {
  const { worst } = course;
  const reason = state === "open" ? worst.reason : `${worst.reason.replace(/[^.!?]$/, "$&.")} ${soFar(course, state)}`;
  // gauges are of rows
  return change(course, state, { ...worst, time, reason, companions: false });
}

/** "Ongoing for 4 h, 240 anomalies.", "Resolved: it lasted 12 min, 31 anomalies." */
function soFar({ start, lastSeen, count }: Course, state: AnomalyState): string {
  const long = lastSeen - start >= 1000 ? spokenDuration(lastSeen - start) : "";
  const many = count > 1 ? `${count} anomalies` : "";
  const both = long !== "" && many !== "" ? `${long}, ${many}` : long || many;
  if (state === "ongoing") return both === "" ? "Ongoing." : long === "" ? `Ongoing: ${both}.` : `Ongoing for ${both}.`;
  if (both === "") return "Resolved: it was one anomaly.";
  return long === "" ? `Resolved: it was ${both}.` : `Resolved: it lasted ${both}.`;
}
