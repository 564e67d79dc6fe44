// Measures memory now and then and says whether requests must be refused: once for all processors with the same options.
import type { Host } from "vedette";
import type { Gauge, Reading } from "./gauge.ts";
import type { Limits, Options } from "./limits.ts";

/** Between two checks of the timer, as much as this share of the room above the soft limit may come in unmeasured. */
const UNMEASURED = 0.25;
const REASON = "memory is short: requests are refused until it is back below the soft limit";

const mib = (bytes: number) => Math.round(bytes / 1024 ** 2);

export class Watch {
  readonly limits: Limits;
  readonly #options: Options;
  readonly #gauge: Gauge;
  readonly #members = new Set<Host>();
  #timer: NodeJS.Timeout | undefined;
  #collectedAt = Number.NEGATIVE_INFINITY;
  #arrived = 0;
  #refusing = false;
  #refused = 0;

  constructor(options: Options, limits: Limits, gauge: Gauge) {
    this.#options = options;
    this.limits = limits;
    this.#gauge = gauge;
  }

  get refusing(): boolean {
    return this.#refusing;
  }

  /** Measures from now on, and tells `host` how things stand. Safe twice. */
  join(host: Host): void {
    const first = this.#members.size === 0;
    this.#members.add(host);
    if (!first) return;
    host.log.info("memory is limited", this.#figures(this.#gauge.read()));
    this.#timer = setInterval(() => this.check(), this.#options.check_interval).unref();
    this.check();
  }

  /** The last one to leave ends the measuring; true then. Safe twice. */
  leave(host: Host): boolean {
    this.#members.delete(host);
    if (this.#members.size > 0) return false;
    clearInterval(this.#timer);
    this.#refusing = false;
    return true;
  }

  /** Counts a request that is turned away. */
  refuse(): void {
    this.#refused++;
  }

  /** Counts bytes that came in; many of them are not left unmeasured until the timer is due. */
  arrived(bytes: number): void {
    this.#arrived += bytes;
    if (this.#arrived > (this.limits.hard - this.limits.soft) * UNMEASURED) this.check();
  }

  check(): void {
    const [host] = this.#members;
    if (!host) return;
    this.#arrived = 0;
    const reading = this.#measure(host.now());
    const refusing = reading.used > this.limits.soft;
    if (refusing !== this.#refusing) this.#turn(host, refusing, reading);
    if (refusing) for (const member of this.#members) member.report("recoverable_error", REASON);
  }

  /** How things are, once garbage is gone where it was time to collect it. */
  #measure(now: number): Reading {
    const { min_gc_interval_when_hard_limited, min_gc_interval_when_soft_limited } = this.#options;
    const reading = this.#gauge.read();
    if (reading.used <= this.limits.soft) return reading;
    const isHard = reading.used > this.limits.hard;
    const hard = min_gc_interval_when_hard_limited;
    const interval = isHard ? hard : Math.max(hard, min_gc_interval_when_soft_limited);
    if (now - this.#collectedAt < interval) return reading;
    this.#collectedAt = now;
    return this.#gauge.collected();
  }

  #turn(host: Host, refusing: boolean, reading: Reading): void {
    this.#refusing = refusing;
    if (refusing) {
      this.#refused = 0;
      host.log.warn("memory is short: requests are refused", this.#figures(reading));
      return;
    }
    const figures = { ...this.#figures(reading), refused: this.#refused };
    host.log.info("memory is back below the soft limit: requests are accepted", figures);
    for (const member of this.#members) member.report("ok");
  }

  #figures({ used, resident }: Reading): object {
    const { hard, soft } = this.limits;
    return { used_mib: mib(used), resident_mib: mib(resident), soft_limit_mib: mib(soft), limit_mib: mib(hard) };
  }
}
