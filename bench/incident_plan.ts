// Which faults are planted in a world of traces and logs to judge incidents by: alone, two at once, and one soon after another.
import type { LogFault } from "./log_world/faults.ts";
import { Chance } from "./world/chance.ts";
import type { Fault, Truth } from "./world/faults.ts";
import { truthOf } from "./world/faults.ts";
import { FAULT_KINDS, planOf } from "./world/plan.ts";
import { systemFor } from "./world/world.ts";

const MINUTE = 60_000;
export const LASTS = 10 * MINUTE;
export const EVERY = 40 * MINUTE;

/** How a fault lies beside others. */
export const COMPANIES = ["alone", "at once", "soon after"] as const;
export type Company = (typeof COMPANIES)[number];

/** A cause: what it changes in traces, in logs, or both. */
export interface Cause {
  readonly company: Company;
  readonly trace?: Fault;
  readonly log?: LogFault;
  /** "slow", "errors", of logs alone "log new_error". */
  readonly kind: string;
  /** Whose fault it is: any of them is right. */
  readonly services: readonly string[];
  /** Unix milliseconds. */
  readonly from: number;
  readonly to: number;
}

/** Services that log and that no span is of: what happens there has nothing to do with the shop's traces. */
const OFFSIDE = ["pricing", "reporting", "billing", "support", "media", "ledger"];
/** Those of the shop that log as well. */
const LOGGING = ["gateway", "account", "catalog", "search", "cart", "checkout", "payment", "inventory", "shipping"];
/** Trace faults that a service would write errors of. */
const LOGGED = ["slow", "errors", "delay", "retry_storm"];

/** A slot begins every 40 minutes from `first` on; its faults are of slots by turns. */
export function planCauses(seed: number, first: number, slots: number): Cause[] {
  const chance = new Chance(seed ^ 0x1c5a33);
  const system = systemFor(seed);
  const common = { first, lasts: LASTS, every: EVERY, count: slots };
  const firsts = planOf({ seed, ...common });
  const others = planOf({ seed: seed + 0x3039, ...common, count: FAULT_KINDS.length * 3 });
  return firsts.flatMap((fault, slot) => {
    const company = COMPANIES[(seed + slot) % COMPANIES.length];
    const truth = truthOf(system, fault);
    const cause = ofTrace(company, fault, truth, chance);
    if (company === "alone") return [cause];
    const from = fault.from + (company === "at once" ? chance.whole(30_000) : 2 * MINUTE + chance.whole(4 * MINUTE));
    if (chance.uniform() < 1 / 3) return [cause, offside(company, from, chance)];
    const fits = others.filter((each) => apart(truth, truthOf(system, each), company));
    if (fits.length === 0) return [cause, offside(company, from, chance)];
    const second = { ...fits[chance.whole(fits.length)], from, to: from + LASTS };
    return [cause, ofTrace(company, second, truthOf(system, second), chance)];
  });
}

/** Of two at once neither calls the other, directly or not; of one soon after another only the services differ. */
function apart(one: Truth, other: Truth, company: Company): boolean {
  const near = company === "at once" ? [...one.services, ...one.ancestors, ...one.descendants] : one.services;
  return other.services.every((service) => !near.includes(service));
}

function ofTrace(company: Company, trace: Fault, { services }: Truth, chance: Chance): Cause {
  const { kind, from, to } = trace;
  const [service] = trace.target.split(" ");
  const logs = LOGGED.includes(kind) && LOGGING.includes(service) && chance.uniform() < 0.6;
  const log = logs ? { kind: "new_error" as const, size: 10, service, from, to } : undefined;
  return { company, trace, ...(log && { log }), kind, services, from, to };
}

function offside(company: Company, from: number, chance: Chance): Cause {
  const service = OFFSIDE[chance.whole(OFFSIDE.length)];
  const log = { kind: "new_error" as const, size: 10, service, from, to: from + LASTS };
  return { company, log, kind: "log new_error", services: [service], from, to: log.to };
}
