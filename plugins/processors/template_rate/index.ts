// Records per template, service and severity: bursts, drops and silence, against the recent past and the time of day and week.
import { defineIntervalDetector, isWanted, type StateOf, z } from "vedette";
import { judgeRate, paceOf, RATE_STATE, rate, rateLasts } from "vedette/counts";
import { BURST_STATE, burst, judgeBurst } from "./burst.ts";
import { distinct, REPEAT_STATE, recordsEach } from "./distinct.ts";
import { GAP_STATE, gap, judgeGap } from "./gap.ts";
import { saying } from "./saying.ts";

const THRESHOLD = 7;
/** What is found of a whole, as verdicts have it: places in `finds.more`. */
const THROUGHPUT = 1;
const ABSENCE = 2;
/** What is less than so many times as much, or more than this share, is no burst or drop, however sure. */
const MORE = 2;
const LESS = 0.6;
/** Milliseconds for which a burst or a silence that was told is no news. */
const TOLD = 3_600_000;
/** So many times the line is news of one all the same. */
const AGAIN = 2;
const MINUTE = 60;

const STATE = {
  ...RATE_STATE,
  ...BURST_STATE,
  ...GAP_STATE,
  ...REPEAT_STATE,
  /** When a burst was last told, and a silence. */
  burstTold: "f64",
  silenceTold: "f64",
  /** Seconds of its silence in which its service was heard. */
  missed: "f32",
  /** When its service was last silent as a whole for long. */
  paused: "f64",
} as const;

export default defineIntervalDetector({
  type: "template_rate",
  signal: "logs",
  stability: "beta",
  summary: "Finds templates and severities that are logged far more or far less often than usual, or no longer.",
  finds: { above: "template_rate", below: "template_rate", more: ["throughput", "absence"] },
  scores: "rarity",
  together: true,
  templates: "needs",
  part: "template",
  // how long a series must be known before it is judged is for the model to say
  defaults: { threshold: THRESHOLD, warmup: 0 },
  measure: (_, labels) => saying(labels),
  config: z.object({}),
  state: STATE,
  scoreThenLearn({ length, series, time, count, failed, others, part }, state, verdicts, options) {
    const { score, observed, expected, lower, upper, finding, basis, since, rows, lasts } = verdicts;
    const { interval, threshold, alert_budget } = options;
    const line = alert_budget === undefined ? (threshold ?? THRESHOLD) : Number.POSITIVE_INFINITY;
    // nothing at all came from a service that is judged after the fact: its silence is for others to tell
    let heard = true;
    const wanted = (now: number, usual: number) =>
      (now > usual ? now >= MORE * usual : now <= LESS * usual && heard) && isWanted(options, now, usual);
    let each = 1;
    let missed = 0;
    // where nothing at all was heard, nothing is missing
    const wantedRate = (now: number, usual: number) =>
      wanted(now * each, usual * each) && (now > 0 || usual * missed * Math.LOG10E >= Math.min(line, THRESHOLD));
    const pace = paceOf(interval);
    // a service that starts says many things once: that is no surge
    const slower = { ...pace, windows: pace.windows.map((each) => (each < pace.minute ? Infinity : each)) };
    for (let i = 0; i < length; i++) {
      const s = series[i];
      const whole = part[i] === 0;
      const y = whole ? count[i] : failed[i];
      const beside = others[i] + count[i] - y;
      heard = y + beside > 0;
      const wasTold = state.told[s] > 0;
      const events = distinct(state, s, y, pace.step);
      each = recordsEach(state, s);
      if (y > 0) state.missed[s] = 0;
      else if (heard) state.missed[s] += pace.step;
      missed = state.missed[s];
      judgeRate(state, s, time[i] / 1000, events, whole ? slower : pace, line, wantedRate, beside);
      if (rateLasts(state, s, pace, line)) lasts[i] = 1;
      judgeBurst(state, s, y, Math.round(time[i] / interval) % pace.minute === 0, whole);
      judgeGap(state, s, y, beside, pace.step);
      if (gap.rarity > 0 && !(rate.rarity >= gap.rarity) && wantedRate(0, gap.expected)) {
        if (gap.rarity >= line && (wasTold || !isNewSilence(state, s, time[i]))) {
          lasts[i] = 1;
          continue;
        }
        if (whole) finding[i] = ABSENCE;
        score[i] = gap.rarity;
        observed[i] = 0;
        expected[i] = gap.expected * each;
        since[i] = time[i] - state.silence[s] * 1000;
        continue;
      }
      if (Number.isNaN(rate.rarity)) continue;
      if (whole) finding[i] = rate.silent ? ABSENCE : THROUGHPUT;
      if (burst.rarity > rate.rarity && wanted(burst.observed, burst.expected)) {
        if (burst.rarity >= line && (wasTold || !isNews(state, s, time[i]))) {
          lasts[i] = 1;
          continue;
        }
        if (whole) finding[i] = THROUGHPUT;
        score[i] = burst.rarity;
        observed[i] = burst.observed / MINUTE;
        expected[i] = burst.expected / MINUTE;
        since[i] = time[i] - burst.minutes * MINUTE * 1000;
        rows[i] = burst.observed * burst.minutes;
        continue;
      }
      score[i] = 0;
      observed[i] = y / pace.step;
      if (!heard && rate.silent && rate.rarity >= line) state.paused[s] = time[i];
      if (!wantedRate(rate.observed, rate.expected)) continue;
      const more = rate.observed > rate.expected;
      const known = more
        ? rate.rarity < AGAIN * line && wasBurst(state, s, time[i], rate.since * 1000)
        : rate.rarity >= line && !isNewSilence(state, s, time[i], rate.silent);
      // what a pause of the whole service has left of a window
      const rest = !more && !rate.silent && state.paused[s] > rate.since * 1000;
      if (known || rest || rate.rarity === 0) continue;
      score[i] = rate.rarity;
      observed[i] = rate.observed * each;
      expected[i] = rate.expected * each;
      lower[i] = rate.lower * each;
      upper[i] = rate.upper * each;
      basis[i] = rate.basis;
      since[i] = rate.since * 1000;
      if (!rate.silent) rows[i] = Math.round(rate.events);
    }
  },
});

/** Whether a burst was told of late, or since `time` if that is longer ago. */
const wasBurst = ({ burstTold }: StateOf<typeof STATE>, s: number, time: number, since = time) =>
  Math.abs(time - burstTold[s]) < TOLD || since <= burstTold[s];

/** Whether a burst that is past the line at `time` was not told of late; remembered as told. */
function isNews(state: StateOf<typeof STATE>, s: number, time: number): boolean {
  if (wasBurst(state, s, time)) return false;
  state.burstTold[s] = time;
  return true;
}

/** The same of silence, which lasts for as long as nothing comes: what is fewer soon after it is no news either. */
function isNewSilence(
  { silenceTold, silence }: StateOf<typeof STATE>,
  s: number,
  time: number,
  silent = true,
): boolean {
  const isNew = Math.abs(time - silence[s] * 1000 - silenceTold[s]) >= TOLD;
  if (silent || !isNew) silenceTold[s] = time;
  return isNew;
}
