// How good the alarms are: by day and opinion, what rehearsals found, which detectors tell most.
import type { AnomalyStore, ExtensionHost, Rehearsal, Tally } from "vedette";
import { type Answer, json } from "./answer.ts";
import { budgetOf, settingOf } from "./budget.ts";
import type { Quality } from "./contract.ts";
import { Parameters } from "./parameters.ts";

const DAY = 86_400_000;
const MINUTE = 60_000;

export async function quality(
  query: URLSearchParams,
  host: ExtensionHost,
  store: AnomalyStore | undefined,
): Promise<Answer> {
  const asked = new Parameters(query, ["days", "offset"]);
  const days = asked.whole("days", { least: 1, most: 90, usual: 7 });
  const offset = asked.whole("offset", { least: -1440, most: 1440, usual: 0 }) * MINUTE;
  const now = host.now();
  const today = Math.floor((now + offset) / DAY);
  const first = today - days + 1;
  const [tally, recent] = store
    ? await Promise.all([store.tally(first * DAY - offset, now + DAY, offset), store.tally(now - DAY, now + DAY, 0)])
    : [undefined, undefined];
  const answer: Quality = {
    budget: { per_day: budgetOf(host.agent), used: (recent?.days ?? []).reduce((sum, { told }) => sum + told, 0) },
    days: Array.from({ length: days }, (_, i) => dayOf(first + i, tally?.days ?? [])),
    self_test: rehearsed(host),
    detectors: (tally?.detectors ?? []).map((each) => ({ ...each, ...settingOf(host.agent, each.id) })),
  };
  return json(answer);
}

function dayOf(day: number, counted: Tally["days"]): Quality["days"][number] {
  const counts = { good: 0, bad: 0, expected: 0, unjudged: 0 };
  for (const { day: of, opinion, told } of counted) if (of === day) counts[opinion ?? "unjudged"] += told;
  return { date: new Date(day * DAY).toISOString().slice(0, 10), ...counts };
}

function rehearsed(host: ExtensionHost): Quality["self_test"] {
  let last: Rehearsal | undefined;
  for (const { section, id } of host.agent.components()) {
    if (section !== "extensions") continue;
    const { rehearsal } = host.extension(id);
    if (rehearsal && !(last && last.until > rehearsal.until)) last = rehearsal;
  }
  if (!last) return null;
  const groups = Map.groupBy(last.faults, ({ signal, kind }) => `${signal} ${kind}`);
  return {
    time: last.until,
    alarms: last.alarms,
    minutes: (last.until - last.from) / MINUTE,
    kinds: [...groups.values()].map((faults) => ({
      signal: faults[0].signal,
      kind: faults[0].kind,
      found: faults.filter(({ by }) => by !== undefined).length,
      planted: faults.length,
    })),
  };
}
