// Services that were deployed of late, as anomalies say that are the news of it.
import { type Anomaly, type Condition, condition, duration, parseCondition, serviceName, z } from "vedette";

export const deploymentOptions = z.strictObject({
  duration: duration().prefault("10m").describe("How long after a deployment anomalies of its service are held back."),
  marker: condition()
    .default('type == "deployment"')
    .describe("Which anomalies are the news of a deployment of their service. They are passed on as any other."),
  condition: condition().optional().describe("Which anomalies are held back; all but the markers when absent."),
});

export class Deployments {
  readonly #duration: number;
  readonly #marker: Condition;
  readonly #condition: Condition | undefined;
  readonly #most: number;
  /** By service, when it was heard of; the earliest first. Unix milliseconds. */
  readonly #at = new Map<string, number>();

  constructor({ duration, marker, condition }: z.output<typeof deploymentOptions>, most: number) {
    this.#duration = duration;
    this.#marker = parseCondition(marker);
    this.#condition = condition === undefined ? undefined : parseCondition(condition);
    this.#most = most;
  }

  see(anomaly: Anomaly, now: number): void {
    if (anomaly.state !== "open" || !this.#marker.holds(anomaly)) return;
    this.#set(serviceName(anomaly.labels), now);
  }

  #set(service: string, at: number): void {
    this.#at.delete(service);
    if (this.#at.size >= this.#most) this.#at.delete(this.#at.keys().next().value as string);
    this.#at.set(service, at);
  }

  holds(anomaly: Anomaly, now: number): boolean {
    const at = this.#at.get(serviceName(anomaly.labels));
    if (at === undefined || Math.abs(now - at) >= this.#duration || this.#marker.holds(anomaly)) return false;
    return this.#condition?.holds(anomaly) ?? true;
  }

  list(): readonly [service: string, at: number][] {
    return [...this.#at];
  }

  restore(list: readonly (readonly [service: string, at: number])[]): void {
    for (const [service, at] of list) this.#set(service, at);
  }
}
