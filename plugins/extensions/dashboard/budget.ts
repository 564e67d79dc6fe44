// What the configuration says that the dashboard reckons with: how many alarms a day detectors may raise, how much memory the agent may take.
import { totalmem } from "node:os";
import { type AgentView, rate } from "vedette";

/** The option of a detector that makes it quieter, with its value, and where it stands. */
export interface Setting {
  readonly setting: string;
  readonly path: string;
}

const perDay = rate();

/** Alarms a day of all detectors that have a budget, together; null where none has. */
export function budgetOf(agent: AgentView): number | null {
  let sum = 0;
  let found = false;
  for (const { section, id } of agent.components()) {
    if (section !== "processors") continue;
    const { data } = perDay.safeParse(agent.configOf?.("processors", id)?.["alert_budget"]);
    if (data === undefined) continue;
    sum += data;
    found = true;
  }
  return found ? sum : null;
}

const QUIETER = ["alert_budget", "threshold", "upper", "lower", "min_dev_from_expected"];

export function settingOf(agent: AgentView, id: string): Setting {
  const config = agent.configOf?.("processors", id);
  if (!config) return { setting: "", path: `processors.${id}` };
  const name = QUIETER.find((each) => config[each] !== undefined && typeof config[each] !== "object");
  if (name === undefined) return { setting: "", path: `processors.${id}` };
  return { setting: `${name}: ${config[name]}`, path: `processors.${id}.${name}` };
}

/** Bytes; null where no memory_limiter is in a pipeline. */
export function memoryLimitOf(agent: AgentView): number | null {
  const ids = agent
    .pipelines()
    .flatMap(({ processors }) => processors.filter((id) => /^memory_limiter(\/|$)/.test(id)));
  const limits = ids.map((id) => limitOf(agent.configOf?.("processors", id) ?? {})).filter((limit) => limit > 0);
  return limits.length > 0 ? Math.min(...limits) : null;
}

function limitOf({ limit_mib: mebibytes, limit_percentage: percent }: Readonly<Record<string, unknown>>): number {
  if (typeof mebibytes === "number" && mebibytes > 0) return mebibytes * 1024 ** 2;
  const machine = totalmem();
  const constrained = process.constrainedMemory();
  const total = constrained > 0 && constrained < machine ? constrained : machine;
  return typeof percent === "number" ? (total * percent) / 100 : 0;
}
