// The JSON that the Collector's health check answers with.

/** Unix milliseconds since when the agent has been ready. */
export interface Ready {
  readonly since: number;
}

/** As the Collector writes it: the year 1 stands for never. */
const NEVER = "0001-01-01T00:00:00Z";

export function statusBody(ready: Ready | undefined, now: number): string {
  if (!ready) return JSON.stringify({ status: "Server not available", upSince: NEVER, uptime: "" });
  return JSON.stringify({
    status: "Server available",
    upSince: new Date(ready.since).toISOString(),
    uptime: uptimeText(now - ready.since),
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
