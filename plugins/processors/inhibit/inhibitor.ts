// What is held back, why, and when it is told after all.
import { type Anomaly, anomalyShape, type Host, type Processor, packed, unpacked, z } from "vedette";
import { Deployments } from "./deployments.ts";
import type { Options } from "./index.ts";
import { InhibitRule, savedRule } from "./rules.ts";
import { MaintenanceWindow } from "./windows.ts";

/** The latest change of what is held back; it counts as open until then, in Unix milliseconds. */
interface Held {
  readonly anomaly: Anomaly;
  readonly until: number;
}

interface Reason {
  readonly kind: "window" | "deployment" | "inhibit_rule";
  /** "" of a deployment: there is one setting for all. */
  readonly name: string;
}

const SAYS: Readonly<Record<Reason["kind"], string>> = {
  window: "maintenance window",
  deployment: "a deployment of its service",
  inhibit_rule: "inhibit rule",
};

const savedShape = z.object({
  held: z.array(z.object({ anomaly: anomalyShape, until: z.number() })),
  told: z.array(z.string()),
  deployments: z.array(z.tuple([z.string(), z.number()])),
  rules: z.array(savedRule),
});

export class Inhibitor implements Processor<"anomalies"> {
  readonly #options: Options;
  readonly #host: Host;
  readonly #windows: readonly MaintenanceWindow[];
  readonly #deployments: Deployments | undefined;
  readonly #rules: readonly InhibitRule[];
  readonly #counter;
  /** By id, the one that changed longest ago first. */
  readonly #held = new Map<string, Held>();
  /** Ids of what is open and was passed on as it was: it goes on being. */
  readonly #told = new Set<string>();
  /** What a tick let go. */
  #ripe: Anomaly[] = [];

  constructor(options: Options, host: Host) {
    const { windows, deployments, inhibit_rules, max_open } = options;
    this.#options = options;
    this.#host = host;
    this.#windows = windows.map((window) => new MaintenanceWindow(window));
    this.#deployments = deployments && new Deployments(deployments, max_open);
    this.#rules = inhibit_rules.map((rule, i) => new InhibitRule(rule, i + 1, max_open));
    this.#counter = host.meter.createCounter("vedette_inhibit_held_anomalies", {
      description: "Anomalies that were held back, by why.",
    });
  }

  get due(): boolean {
    return this.#ripe.length > 0;
  }

  /** News of a deployment, before other processors have made something else of it. */
  found(anomaly: Anomaly): void {
    this.#deployments?.see(anomaly, this.#host.now());
  }

  process(anomalies: readonly Anomaly[]): readonly Anomaly[] | undefined {
    const now = this.#host.now();
    const out = this.#ripe;
    this.#ripe = [];
    for (const anomaly of anomalies) {
      this.#deployments?.see(anomaly, now);
      for (const rule of this.#rules) rule.see(anomaly, this.#openUntil(anomaly, now));
    }
    for (const anomaly of anomalies) this.#judge(anomaly, now, out);
    return out.length > 0 ? out : undefined;
  }

  tick(now: number): void {
    for (const [id, { anomaly, until }] of this.#held) {
      if (now >= until) this.#held.delete(id);
      else if (!this.#reasonFor(anomaly, now)) this.#letGo(anomaly, this.#ripe);
    }
  }

  #openUntil({ episode, incident, untilResolved }: Anomaly, now: number): number {
    return episode || incident || untilResolved ? Number.MAX_VALUE : now + this.#options.resolve_timeout;
  }

  #judge(anomaly: Anomaly, now: number, out: Anomaly[]): void {
    const { id, state } = anomaly;
    const held = this.#held.get(id);
    if (!held && (this.#told.has(id) || state !== "open")) {
      this.#pass(anomaly, out);
      return;
    }
    const lowers = this.#options.mode === "lower";
    const reason = this.#reasonFor(anomaly, now);
    if (held && state === "resolved") {
      this.#held.delete(id);
      if (lowers) out.push(reason ? lowered(anomaly, reason) : anomaly);
      return;
    }
    if (!reason) {
      if (held) this.#letGo(anomaly, out);
      else this.#pass(anomaly, out);
      return;
    }
    this.#held.delete(id);
    if (this.#held.size >= this.#options.max_open) this.#overflow(out);
    this.#held.set(id, { anomaly, until: this.#openUntil(anomaly, now) });
    if (!held) this.#counter.add(1, { reason: reason.kind, name: reason.name });
    if (lowers) out.push(lowered(anomaly, reason));
  }

  #reasonFor(anomaly: Anomaly, now: number): Reason | undefined {
    const window = this.#windows.find((each) => each.holds(anomaly, now));
    if (window) return { kind: "window", name: window.name };
    const rule = this.#rules.find((each) => each.holds(anomaly, now));
    if (rule) return { kind: "inhibit_rule", name: rule.name };
    if (this.#deployments?.holds(anomaly, now)) return { kind: "deployment", name: "" };
    return undefined;
  }

  #pass(anomaly: Anomaly, out: Anomaly[]): void {
    const { id, state } = anomaly;
    this.#told.delete(id);
    if (state !== "resolved") {
      if (this.#told.size >= this.#options.max_open) this.#told.delete(this.#told.values().next().value as string);
      this.#told.add(id);
    }
    out.push(anomaly);
  }

  /** Tells what was held back: whoever comes next has not heard of it, or knows it as lowered. */
  #letGo(anomaly: Anomaly, out: Anomaly[]): void {
    this.#held.delete(anomaly.id);
    this.#pass({ ...anomaly, state: this.#options.mode === "drop" ? "open" : "ongoing" }, out);
  }

  #overflow(out: Anomaly[]): void {
    const [{ anomaly }] = this.#held.values();
    this.#host.log.warn("too many anomalies are held back: the one that changed longest ago is told", {
      max_open: this.#options.max_open,
      anomaly: anomaly.id,
    });
    this.#letGo(anomaly, out);
  }

  save(): Uint8Array {
    return packed({
      held: [...this.#held.values()],
      told: [...this.#told],
      deployments: this.#deployments?.list() ?? [],
      rules: this.#rules.map((rule) => rule.saved()),
    });
  }

  load(saved: Uint8Array): void {
    const { held, told, deployments, rules } = unpacked(saved, savedShape, "inhibit");
    const { max_open } = this.#options;
    for (const each of held.slice(-max_open)) this.#held.set(each.anomaly.id, each);
    for (const id of told.slice(-max_open)) this.#told.add(id);
    this.#deployments?.restore(deployments);
    for (const each of rules) for (const rule of this.#rules) rule.restore(each);
  }
}

const lowered = (anomaly: Anomaly, { kind, name }: Reason): Anomaly => ({
  ...anomaly,
  severity: "info",
  reason: `${anomaly.reason} (severity lowered: ${`${SAYS[kind]} ${name}`.trimEnd()})`,
});
