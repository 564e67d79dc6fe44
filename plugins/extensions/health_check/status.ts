// Whether the agent is well, and the JSON that says so: the Collector's fields, and every component's status.
import type { ComponentStatus } from "vedette";

/** Which errors of components make the agent unwell. */
export interface Counted {
  readonly include_permanent_errors: boolean;
  readonly include_recoverable_errors: boolean;
  /** Milliseconds that a recoverable error may last before it counts. */
  readonly recovery_duration: number;
}

export interface Health {
  readonly healthy: boolean;
  /** Unix milliseconds since when the agent has been ready; undefined: it is not. */
  readonly since: number | undefined;
  readonly components: readonly ComponentStatus[];
}

/** As the Collector writes it: the year 1 stands for never. */
const NEVER = "0001-01-01T00:00:00Z";

/** A component that starts or stops is none that fails: a reload does that. */
export function healthOf(
  components: readonly ComponentStatus[],
  since: number | undefined,
  counted: Counted,
  now: number,
): Health {
  const fails = (one: ComponentStatus) =>
    (one.status === "permanent_error" && counted.include_permanent_errors) ||
    (one.status === "recoverable_error" &&
      counted.include_recoverable_errors &&
      now - one.since >= counted.recovery_duration);
  return { healthy: since !== undefined && !components.some(fails), since, components };
}

export function statusBody({ healthy, since, components }: Health, now: number): string {
  return JSON.stringify({
    status: healthy ? "Server available" : "Server not available",
    upSince: since === undefined ? NEVER : new Date(since).toISOString(),
    uptime: since === undefined ? "" : uptimeText(now - since),
    components: components.map((one) => ({ ...one, since: new Date(one.since).toISOString() })),
  });
}

/** A duration as Go prints it: "1h2m3.5s". */
export function uptimeText(milliseconds: number): string {
  const total = Math.max(0, milliseconds) / 1000;
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor(total / 60) % 60;
  const seconds = Number((total % 60).toFixed(3));
  if (hours > 0) return `${hours}h${minutes}m${seconds}s`;
  return minutes > 0 ? `${minutes}m${seconds}s` : `${seconds}s`;
}
