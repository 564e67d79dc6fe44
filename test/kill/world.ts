// What stands around the agent in the kill loop: a sink with moods, and senders that remember what was acknowledged.
import { setTimeout as pause } from "node:timers/promises";
import type { Telemetry } from "vedette";
import { request, type Scope } from "../agent.ts";
import { gauge, logs } from "../requests.ts";
import { httpSink, type Sink } from "../sinks.ts";
import type { Json } from "../unit/otlp/otlp_json.ts";

/** Numbered items in one request. */
export const ITEMS = 10;
/** Requests under way at the same time. */
const SENDERS = 6;

/** Times each number arrived; what came twice. */
export class CountingSink {
  readonly #sink: Sink;
  #isAway = false;
  readonly #arrivals = new Map<number, number>();
  /** Largest request that it took, items. */
  readonly largest: Partial<Record<Telemetry, number>> = {};

  private constructor(sink: Sink) {
    this.#sink = sink;
  }

  static async start(scope: Scope): Promise<CountingSink> {
    return new CountingSink(await httpSink(scope));
  }

  get endpoint(): string {
    return this.#sink.endpoint;
  }

  /** Changes its mood again and again until `signal` aborts; then it takes everything. */
  async live(random: () => number, signal: AbortSignal): Promise<void> {
    const moods = [
      () => this.#mood("takes"),
      () => this.#mood("takes"),
      () => this.#mood("refuses"),
      () => this.#away(),
    ];
    while (!signal.aborted) {
      await moods[Math.floor(random() * moods.length)]!();
      await pause(100 + random() * 1500, undefined, { signal }).catch(() => {});
    }
    await this.#mood("takes");
  }

  async #mood(mood: Sink["mood"]): Promise<void> {
    this.#sink.mood = mood;
    if (this.#isAway) await this.#sink.open();
    this.#isAway = false;
  }

  /** Refused before nobody listens, so that no answer to what it took is cut off: that would be a duplicate of its own. */
  async #away(): Promise<void> {
    this.#sink.mood = "refuses";
    await pause(20);
    await this.#sink.close();
    this.#isAway = true;
  }

  /** Items that came more often than once, each time counted. */
  get duplicates(): number {
    this.#count();
    let more = 0;
    for (const times of this.#arrivals.values()) more += times - 1;
    return more;
  }

  has(number: number): boolean {
    this.#count();
    return this.#arrivals.has(number);
  }

  #count(): void {
    for (const { signal, json } of this.#sink.received.splice(0)) {
      const numbers = signal === "metrics" ? pointsOf(json) : recordsOf(json);
      this.largest[signal] = Math.max(this.largest[signal] ?? 0, numbers.length);
      for (const number of numbers) this.#arrivals.set(number, (this.#arrivals.get(number) ?? 0) + 1);
    }
  }
}

const pointsOf = (json: Json): number[] =>
  json["resourceMetrics"].flatMap((resource: Json) =>
    resource["scopeMetrics"].flatMap((scope: Json) =>
      scope["metrics"].flatMap((metric: Json) => metric["gauge"].dataPoints.map((point: Json) => point["asDouble"])),
    ),
  );

const recordsOf = (json: Json): number[] =>
  json["resourceLogs"].flatMap((resource: Json) =>
    resource["scopeLogs"].flatMap((scope: Json) =>
      scope["logRecords"].map((record: Json) => Number(record["body"].stringValue)),
    ),
  );

/** Sends numbered points and records, each once; a request that is not acknowledged is not sent again. */
export class Senders {
  /** Numbers that the agent has answered for with 200. */
  readonly acknowledged: number[] = [];
  /** Answered, but not with 200. */
  refused = 0;
  /** Where the agent listens now. */
  endpoint: string | undefined;
  #last = 0;

  /** Until `signal` aborts. */
  async live(random: () => number, signal: AbortSignal): Promise<void> {
    const send = async (sender: number) => {
      while (!signal.aborted) {
        if (this.endpoint === undefined || !(await this.#send(this.endpoint, sender))) await pause(10);
        await pause(random() * 10);
      }
    };
    await Promise.all(Array.from({ length: SENDERS }, (_, sender) => send(sender)));
  }

  async #send(endpoint: string, sender: number): Promise<boolean> {
    const numbers = Array.from({ length: ITEMS }, () => ++this.#last);
    const time = Date.now();
    const metrics = sender % 2 === 0;
    const bytes = metrics
      ? gauge(
          `service ${this.#last % 500}`,
          "numbers",
          numbers.map((value, i) => ({ time: time + i, value })),
        )
      : logs(
          "service",
          numbers.map((number) => ({ time, severity: 9, body: `${number}` })),
        );
    try {
      const { status } = await request(endpoint, metrics ? "/v1/metrics" : "/v1/logs", bytes);
      if (status === 200) this.acknowledged.push(...numbers);
      else this.refused += ITEMS;
      return status === 200;
    } catch {
      return false; // it was killed on the way
    }
  }
}
