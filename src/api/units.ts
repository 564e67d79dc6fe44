// Option types that carry a unit in their value: "5m", "64MiB". For plugins' config objects.
import { z } from "zod";

const DURATION = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** Days. */
const PERIOD = { h: 1 / 24, hour: 1 / 24, d: 1, day: 1, w: 7, week: 7, month: 30 };
const SIZE = { B: 1, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, TiB: 1024 ** 4 };

/** Milliseconds of "1h30m", "250ms", "0"; undefined when the text is no duration. */
export function parseDuration(text: string): number | undefined {
  if (text === "0") return 0;
  let rest = text;
  let total = 0;
  while (rest !== "") {
    const part = /^(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d)/.exec(rest);
    if (!part) return undefined;
    total += Number(part[1]) * DURATION[part[2] as keyof typeof DURATION];
    rest = rest.slice(part[0].length);
  }
  return text === "" ? undefined : total;
}

/** Bytes of "64MiB", "1.5 GB", "4096"; undefined when the text is no size. */
export function parseSize(text: string): number | undefined {
  const part = /^(\d+(?:\.\d+)?) ?([KMGT]i?B|B)?$/.exec(text);
  return part ? Math.round(Number(part[1]) * SIZE[(part[2] ?? "B") as keyof typeof SIZE]) : undefined;
}

/** Times a day of "1/day", "5/week", "0.5/h"; undefined when the text is no rate. */
export function parseRate(text: string): number | undefined {
  const part = /^(\d+(?:\.\d+)?) ?\/ ?(h|hour|d|day|w|week|month)$/.exec(text);
  return part ? Number(part[1]) / PERIOD[part[2] as keyof typeof PERIOD] : undefined;
}

/** An option type whose text `parse` turns into a number; the text "5" without unit is for `parse` to judge. */
function quantity(parse: (text: string) => number | undefined, name: string, example: string) {
  return z
    .union([z.string(), z.int().nonnegative()], { error: `not a ${name}; write it as in ${example}` })
    .transform((text, context) => {
      const value = parse(String(text));
      if (value !== undefined) return value;
      context.addIssue({ code: "custom", message: `not a ${name}; write it as in ${example}` });
      return z.NEVER;
    })
    .meta({ quantity: name });
}

/** A duration option, in milliseconds once parsed. Its default is written as a user would: `duration().prefault("5s")`. */
export const duration = () => quantity(parseDuration, "duration", '"5m" or "250ms"');

/** A size option, in bytes once parsed: `byteSize().prefault("64MiB")`. */
export const byteSize = () => quantity(parseSize, "size", '"64MiB"');

/** A rate option, in times a day once parsed: `rate().optional()`. */
export const rate = () => quantity(parseRate, "rate", '"1/day", "5/week" or "2/h"');

/** Milliseconds as a person says them: "45 s", "12 min", "2.5 h", "3 days". */
export function spokenDuration(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  const brief = (value: number) => String(value < 10 ? Math.round(value * 10) / 10 : Math.round(value));
  if (seconds < 99.5) return `${Math.round(seconds)} s`;
  if (seconds < 5940) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${brief(seconds / 3600)} h`;
  return `${brief(seconds / 86_400)} days`;
}
