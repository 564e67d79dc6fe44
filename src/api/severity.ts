// How much an anomaly matters, as its score alone tells.
import type { Severity } from "./anomaly.ts";

/** score from which an anomaly is a warning, and from which it is critical. */
const WARNING = 1.25;
const CRITICAL = 2;

/** Of a score of which 1 is the line. */
export function severityOf(score: number): Severity {
  if (score >= CRITICAL) return "critical";
  return score >= WARNING ? "warning" : "info";
}

const RANK = { info: 0, warning: 1, critical: 2 } as const satisfies Record<Severity, number>;

/** Whether the one matters more than the other. */
export const isGraver = (severity: Severity, than: Severity): boolean => RANK[severity] > RANK[than];
