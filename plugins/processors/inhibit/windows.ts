// Maintenance windows: by the calendar, once, or by a crontab, again and again.
import { type Anomaly, type Condition, condition, duration, parseCondition, z } from "vedette";
import { parseCron } from "./cron.ts";
import { Recurrence } from "./recurrence.ts";

const DAY = 86_400_000;
const LONGEST = 31 * DAY;

/** What throws says what is wrong. */
const readable = (read: (text: string) => unknown) =>
  z.string().superRefine((text, context) => {
    try {
      read(text);
    } catch (error) {
      context.addIssue({ code: "custom", message: (error as Error).message });
    }
  });

const timestamp = () =>
  z.iso.datetime({ offset: true, error: 'not a time; write it as in "2026-11-28T22:00:00+01:00" or with a Z for UTC' });

const zone = () =>
  readable((text) => {
    try {
      new Intl.DateTimeFormat("en-US", { timeZone: text });
    } catch {
      throw new Error('no time zone; write it as in "Europe/Berlin" or "UTC"');
    }
  });

export const windowOptions = z
  .strictObject({
    name: z.string().min(1).describe("What is done then, for those who read of it."),
    condition: condition().optional().describe("Which anomalies are held back; all when absent."),
    start: timestamp().optional().describe("When it begins, with its offset: `2026-11-28T22:00:00+01:00`."),
    end: timestamp().optional().describe("When it ends."),
    cron: readable(parseCron)
      .optional()
      .describe(
        "Instead of both: when it begins, again and again: minute, hour, day of the month, month, day of the week.",
      ),
    duration: duration()
      .refine((length) => length >= 60_000 && length <= LONGEST, { error: 'not from "1m" to "31d"' })
      .optional()
      .describe("With `cron`: how long it lasts."),
    timezone: zone().default("UTC").describe("With `cron`: whose clock it goes by, `Europe/Berlin`."),
  })
  .refine(
    ({ start, end, cron, duration }) =>
      cron === undefined
        ? start !== undefined && end !== undefined && duration === undefined
        : start === undefined && end === undefined && duration !== undefined,
    { error: "a window has either start and end, or cron and duration; write one of the pairs" },
  )
  .refine(({ start, end }) => start === undefined || end === undefined || Date.parse(start) < Date.parse(end), {
    path: ["end"],
    error: "not after start; exchange the two",
  });

export class MaintenanceWindow {
  readonly name: string;
  readonly #condition: Condition | undefined;
  readonly #start: number;
  readonly #end: number;
  readonly #recurrence: Recurrence | undefined;

  constructor({ name, condition, start, end, cron, duration, timezone }: z.output<typeof windowOptions>) {
    this.name = name;
    this.#condition = condition === undefined ? undefined : parseCondition(condition);
    this.#start = Date.parse(start ?? "");
    this.#end = Date.parse(end ?? "");
    this.#recurrence = cron === undefined ? undefined : new Recurrence(cron, duration ?? 0, timezone);
  }

  holds(anomaly: Anomaly, now: number): boolean {
    const open = this.#recurrence ? this.#recurrence.open(now) : now >= this.#start && now < this.#end;
    return open && (this.#condition?.holds(anomaly) ?? true);
  }
}
