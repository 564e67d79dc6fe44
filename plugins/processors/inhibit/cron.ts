// Times that come again, as crontab(5) writes them: minute, hour, day of the month, month, day of the week.

/** Asked of local time. Where both days are restricted one of them must fit, as in Vixie's cron. */
export interface Cron {
  matches(minute: number, hour: number, day: number, month: number, weekday: number): boolean;
  /** Whether it names no hour, so that it means every one, also one that comes twice. */
  readonly everyHour: boolean;
}

interface Field {
  readonly name: string;
  readonly least: number;
  readonly most: number;
  readonly names?: readonly string[];
}

const FIELDS: readonly Field[] = [
  { name: "minute", least: 0, most: 59 },
  { name: "hour", least: 0, most: 23 },
  { name: "day of the month", least: 1, most: 31 },
  { name: "month", least: 1, most: 12, names: "jan feb mar apr may jun jul aug sep oct nov dec".split(" ") },
  // Sunday is 0 and 7
  { name: "day of the week", least: 0, most: 7, names: "sun mon tue wed thu fri sat".split(" ") },
];

/** Throws an Error that says which field cannot be read. */
export function parseCron(text: string): Cron {
  const written = text.trim().split(/\s+/);
  if (written.length !== FIELDS.length) {
    throw new Error(
      `it has ${written.length} fields, not five: minute, hour, day of the month, month, day of the week`,
    );
  }
  const [minutes, hours, days, months, weekdays] = written.map((part, i) => valuesOf(part, FIELDS[i]));
  if (weekdays.has(7)) weekdays.add(0);
  const eitherDay = !written[2].startsWith("*") && !written[4].startsWith("*");
  return {
    everyHour: written[1] === "*",
    matches(minute, hour, day, month, weekday) {
      if (!minutes.has(minute) || !hours.has(hour) || !months.has(month)) return false;
      return eitherDay ? days.has(day) || weekdays.has(weekday) : days.has(day) && weekdays.has(weekday);
    },
  };
}

function valuesOf(written: string, field: Field): Set<number> {
  const values = new Set<number>();
  for (const part of written.split(",")) {
    const found = /^(?:(\*)|(\w+)(?:-(\w+))?)(?:\/(\d+))?$/.exec(part);
    if (!found)
      throw new Error(`its ${field.name} ${JSON.stringify(part)} cannot be read; write it as in 5, 1-5, */15 or 1,3`);
    const [, any, from, to, step] = found;
    const first = any ? field.least : numberOf(from, field);
    // "5/15" is from 5 on
    const last = to !== undefined ? numberOf(to, field) : any || step !== undefined ? field.most : first;
    const by = step === undefined ? 1 : Number(step);
    if (by === 0 || last < first) throw new Error(`its ${field.name} ${JSON.stringify(part)} names no time`);
    for (let value = first; value <= last; value += by) values.add(value);
  }
  return values;
}

function numberOf(text: string, { name, least, most, names }: Field): number {
  const named = names?.indexOf(text.toLowerCase()) ?? -1;
  if (named >= 0) return named + least;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  const also = names ? `, or ${names[0]} to ${names.at(-1)}` : "";
  throw new Error(`its ${name} ${JSON.stringify(text)} is not from ${least} to ${most}${also}`);
}
