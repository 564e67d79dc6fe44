// Windows by crontab: what can be written, and when they are open, through changes of the clocks too.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { parseCron } from "../../plugins/processors/inhibit/cron.ts";
import inhibit from "../../plugins/processors/inhibit/index.ts";
import { Recurrence } from "../../plugins/processors/inhibit/recurrence.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** "02:00-04:00" in UTC, of each window on that day. */
function windowsOn(day: string, recurrence: Recurrence): string[] {
  const windows: string[] = [];
  const begin = Date.parse(`${day}T00:00:00Z`);
  const clock = (time: number) => new Date(time).toISOString().slice(11, 16);
  let since: number | undefined;
  for (let time = begin; time <= begin + 24 * HOUR; time += MINUTE) {
    const open = recurrence.open(time) && time < begin + 24 * HOUR;
    if (open) since ??= time;
    else if (since !== undefined) {
      windows.push(`${clock(since)}-${clock(time)}`);
      since = undefined;
    }
  }
  return windows;
}

for (const [crontab, expected] of [
  ["0 2 * * *", ["02:00-02:30"]],
  ["*/40 1,3 * * *", ["01:00-01:30", "01:40-02:10", "03:00-03:30", "03:40-04:10"]],
  ["50/5 23 * * *", ["00:00-00:25", "23:50-00:00"]],
  ["0 8-10/2 * nov MON-fri", ["08:00-08:30", "10:00-10:30"]],
  ["0 2 * * 7", []],
  ["0 2 24 * *", []],
  ["0 2 24 * mon", ["02:00-02:30"]],
  ["0 2 23 * sun", ["02:00-02:30"]],
  ["0 2 */2 * sun", []],
] as const) {
  test(`half an hour from ${crontab} on a Monday, the 23rd of November`, () => {
    assert.deepEqual(windowsOn("2026-11-23", new Recurrence(crontab, 30 * MINUTE, "UTC")), expected);
  });
}

test("in a zone windows go by its clock; a time that is skipped comes right after, one that comes twice counts once", () => {
  const berlin = (day: string, crontab: string) => windowsOn(day, new Recurrence(crontab, HOUR, "Europe/Berlin"));
  assert.deepEqual(berlin("2026-07-01", "30 2 * * *"), ["00:30-01:30"]);
  assert.deepEqual(berlin("2026-03-28", "30 2 * * *"), ["01:30-02:30"]);
  assert.deepEqual(berlin("2026-03-29", "30 2 * * *"), ["01:00-02:00"], "02:30 was skipped");
  assert.deepEqual(berlin("2026-03-30", "30 2 * * *"), ["00:30-01:30"]);
  assert.deepEqual(berlin("2026-10-25", "30 2 * * *"), ["00:30-01:30"], "02:30 came twice");
  assert.deepEqual(windowsOn("2026-11-23", new Recurrence("0 0 * * *", HOUR, "Asia/Kathmandu")), ["18:15-19:15"]);
});

test("a window is the same however the clock was looked at: minute by minute, in leaps, or backwards", () => {
  const some = fc.record({ minute: fc.nat(59), hour: fc.nat(23), length: fc.integer({ min: 1, max: 3000 }) });
  const looks = fc.array(fc.integer({ min: 0, max: 14 * 24 * 60 * 60 }), { minLength: 1, maxLength: 8 });
  const begin = Date.parse("2026-10-20T00:00:00Z");
  fc.assert(
    fc.property(some, looks, ({ minute, hour, length }, seconds) => {
      const crontab = `${minute} ${hour} * * *`;
      const leaping = new Recurrence(crontab, length * MINUTE, "UTC");
      for (const second of seconds) {
        const now = begin + second * 1000;
        const day = Math.floor(now / (24 * HOUR)) * 24 * HOUR;
        const opened = [-2, -1, 0].map((days) => day + (days * 24 + hour) * HOUR + minute * MINUTE);
        const expected = opened.some((time) => now >= time && now < time + length * MINUTE);
        assert.equal(leaping.open(now), expected, `${crontab} for ${length}m at ${new Date(now).toISOString()}`);
      }
    }),
    { numRuns: 50 },
  );
});

for (const [crontab, message] of [
  ["0 2 * *", /^it has 4 fields, not five: minute, hour, day of the month, month, day of the week$/],
  ["60 2 * * *", /^its minute "60" is not from 0 to 59$/],
  ["0 2 0 * *", /^its day of the month "0" is not from 1 to 31$/],
  ["0 2 * juni *", /^its month "juni" is not from 1 to 12, or jan to dec$/],
  ["0 2 * * sun-", /^its day of the week "sun-" cannot be read; write it as in 5, 1-5, \*\/15 or 1,3$/],
  ["0 5-2 * * *", /^its hour "5-2" names no time$/],
  ["*/0 2 * * *", /^its minute "\*\/0" names no time$/],
  ["", /^it has 1 fields/],
] as const) {
  test(`the crontab ${JSON.stringify(crontab)} is refused with what is wrong`, () => {
    assert.throws(() => parseCron(crontab), { message });
  });
}

for (const [what, window, message] of [
  ["without a time", {}, /either start and end, or cron and duration/],
  ["of both kinds", { cron: "0 2 * * *", duration: "1h", end: "2026-11-28T22:00:00Z" }, /either start and end/],
  ["that ends first", { start: "2026-11-28T22:00:00Z", end: "2026-11-28T22:00:00+01:00" }, /not after start/],
  ["without an offset", { start: "2026-11-28T22:00:00", end: "2026-11-29T22:00:00Z" }, /not a time; write it as in/],
  ["in no zone", { cron: "0 2 * * *", duration: "1h", timezone: "Mars" }, /no time zone; write it as in/],
  ["that lasts nothing", { cron: "0 2 * * *", duration: "0s" }, /not from "1m" to "31d"/],
] as const) {
  test(`a window ${what} is refused`, () => {
    const { error } = inhibit.config.safeParse({ windows: [{ name: "night", ...window }] });
    assert.match(String(error?.issues.map(({ message }) => message)), message);
  });
}
