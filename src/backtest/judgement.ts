// Scores against labels, by every measure that fits the kind of label.
import { type EventScore, eventScore } from "./events.ts";
import { type NabScore, nabScore, PROFILES } from "./nab.ts";
import { delayScore, type PointScore, pointScore } from "./points.ts";
import type { JudgedSeries } from "./series.ts";

/** Windows have room before and after what happened, so that early and late is told apart; points are what was abnormal itself. */
export type LabelKind = "windows" | "points";

export interface Judgement {
  readonly labels: LabelKind;
  readonly series: number;
  readonly rows: number;
  /** Of windows. */
  readonly nab: Readonly<Record<keyof typeof PROFILES, NabScore>> | undefined;
  /** Of points. */
  readonly delay_adjusted: PointScore | undefined;
  readonly points: PointScore | undefined;
  readonly events: EventScore;
}

/** In whatever order the series come, the result is the same. Without any label only the false alarms tell something. */
export function judgementOf(all: readonly JudgedSeries[], labels: LabelKind): Judgement {
  const windows = labels === "windows" && all.some(({ events }) => events.length > 0);
  return {
    labels,
    series: all.length,
    rows: all.reduce((sum, { score }) => sum + score.length, 0),
    nab: windows
      ? {
          standard: nabScore(all, PROFILES.standard),
          reward_low_fp: nabScore(all, PROFILES.reward_low_fp),
          reward_low_fn: nabScore(all, PROFILES.reward_low_fn),
        }
      : undefined,
    delay_adjusted: labels === "points" ? delayScore(all) : undefined,
    points: labels === "points" ? pointScore(all) : undefined,
    events: eventScore(all, labels),
  };
}
