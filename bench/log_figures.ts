// Alarms about logs set against what was planted: what was found, how soon and by whom, and what was said for nothing.
import type { LogAlarm, LogTrial, PlantedLogs } from "./log_trial.ts";
import { EXPECTED } from "./log_world/faults.ts";
import { distinct, incidentsOf, SETTLES, saidDuring } from "./trace_figures.ts";

const HOUR = 3_600_000;
/** Of something new that is no fault its alarm is no false one, once. */
const TELLS_NEWS = "new_template";

export interface LogOutcome extends PlantedLogs {
  /** About the service at fault; the first of them. */
  readonly found: LogAlarm | undefined;
  /** Milliseconds since the fault began. */
  readonly delay: number;
  /** The first alarm of the detector that is meant to find it. */
  readonly expected: LogAlarm | undefined;
  /** Whether one of the alarms shows a statement at fault; undefined where the fault is not of statements. */
  readonly named: boolean | undefined;
  /** Detectors that found it. */
  readonly by: readonly string[];
  /** Alarms about the service. */
  readonly said: readonly LogAlarm[];
}

export function logOutcomesOf({ planted, alarms }: LogTrial): LogOutcome[] {
  return planted.map(({ fault, words }) => {
    const said = distinct(saidDuring(alarms, fault).filter(({ service }) => service === fault.service));
    const [found] = said;
    return {
      fault,
      words,
      found,
      delay: found ? found.at - fault.from : Number.NaN,
      expected: said.find(({ detector }) => detector === EXPECTED[fault.kind]),
      named: words.length === 0 ? undefined : said.some(({ shown }) => words.some((some) => shows(shown, some))),
      by: [...new Set(said.map(({ detector }) => detector))],
      said,
    };
  });
}

/** Of the words of a statement so many must be seen. */
const SEEN = 0.8;

function shows(shown: string, message: string): boolean {
  const words = message.split(" ").filter(({ length }) => length > 2);
  return words.filter((word) => shown.includes(word)).length >= SEEN * words.length;
}

export interface QuietLogs {
  readonly hours: number;
  /** About services of which nothing was wrong, after the hours of learning, one of each thing. */
  readonly alarms: readonly LogAlarm[];
  /** Of these the ones with nothing just before them. */
  readonly incidents: number;
  /** The first alarm of each thing that was new though nothing was wrong: a deployment with new statements, the first run of a daily job. */
  readonly news: readonly LogAlarm[];
  /** While it learnt. */
  readonly learning: readonly LogAlarm[];
}

export function quietLogsOf({ planted, alarms, news, learnt, end }: LogTrial): QuietLogs {
  const fresh = distinct(alarms).filter(
    ({ at, service }) =>
      !planted.some(({ fault }) => fault.service === service && at >= fault.from && at < fault.to + SETTLES),
  );
  const quiet = fresh.filter(({ at }) => at >= learnt);
  const told = new Set<LogAlarm>();
  for (const { service, words, at: from } of news) {
    const tells = (each: LogAlarm) =>
      each.detector === TELLS_NEWS && each.service === service && words.some((some) => shows(each.shown, some));
    const first = quiet.find((each) => each.at >= from && tells(each));
    if (first) told.add(first);
  }
  const wrong = quiet.filter((alarm) => !told.has(alarm));
  return {
    hours: (end - learnt) / HOUR,
    alarms: wrong,
    incidents: incidentsOf(wrong),
    news: [...told],
    learning: fresh.filter(({ at }) => at < learnt),
  };
}
