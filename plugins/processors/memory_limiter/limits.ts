// The limits in bytes that the options stand for, and how much memory there is to take percentages of.
import { totalmem } from "node:os";
import { duration, z } from "vedette";

const MIB = 1024 ** 2;
/** Of the limit, where nothing is said about spikes; as in the Collector. */
const SPIKE_SHARE = 0.2;

const mib = () => z.number().nonnegative();
const percentage = () => z.number().min(0).max(100);
/** A timer cannot wait longer. */
const LONGEST_INTERVAL = 2 ** 31 - 1;

export const options = z
  .object({
    check_interval: duration()
      .refine((milliseconds) => milliseconds > 0 && milliseconds <= LONGEST_INTERVAL, {
        error: "must be more than 0 and at most 24 days; 1s is recommended",
      })
      .prefault("1s")
      .describe("How often memory is measured."),
    limit_mib: mib().default(0).describe("Hard limit in MiB; 0: `limit_percentage` says it."),
    spike_limit_mib: mib()
      .default(0)
      .describe("Soft limit = hard limit less this many MiB; 0: 20 % of the hard limit. Used with `limit_mib`."),
    limit_percentage: percentage()
      .default(80)
      .describe("Hard limit in percent of the memory of the container, or of the machine where it has no limit."),
    spike_limit_percentage: percentage()
      .default(0)
      .describe("As `spike_limit_mib`, in percent of that memory; 0: 20 % of the hard limit."),
    min_gc_interval_when_soft_limited: duration()
      .prefault("1s")
      .describe("Least time between garbage collections that are forced above the soft limit."),
    min_gc_interval_when_hard_limited: duration()
      .prefault("0s")
      .describe("Least time between garbage collections that are forced above the hard limit."),
  })
  .refine((o) => o.limit_mib > 0 || o.limit_percentage > 0, {
    path: ["limit_mib"],
    error: "is missing; give limit_mib, or a limit_percentage above 0",
  })
  .refine((o) => o.limit_mib === 0 || o.spike_limit_mib < o.limit_mib, {
    path: ["spike_limit_mib"],
    error: "must be smaller than limit_mib",
  })
  .refine((o) => o.limit_mib > 0 || o.limit_percentage === 0 || o.spike_limit_percentage < o.limit_percentage, {
    path: ["spike_limit_percentage"],
    error: "must be smaller than limit_percentage",
  });

export type Options = z.output<typeof options>;

/** In bytes; requests are refused above `soft`. */
export interface Limits {
  readonly hard: number;
  readonly soft: number;
}

/** `limit_mib` goes before `limit_percentage`, of `total` bytes. */
export function limitsOf(options: Options, total: number): Limits {
  const [unit, limit, spike] =
    options.limit_mib > 0
      ? [MIB, options.limit_mib, options.spike_limit_mib]
      : [total / 100, options.limit_percentage, options.spike_limit_percentage];
  const hard = limit * unit;
  return { hard, soft: hard - (spike > 0 ? spike * unit : hard * SPIKE_SHARE) };
}

/** Bytes that the process may have: its cgroup's limit (v1 or v2), or the machine's memory where there is none. */
export function totalMemory(constrained = process.constrainedMemory(), machine = totalmem()): number {
  return constrained > 0 && constrained < machine ? constrained : machine;
}
