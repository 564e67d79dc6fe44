// One anomaly as one readable line.
import { styleText } from "node:util";
import { type Anomaly, type Severity, spokenDuration } from "vedette";
import { isoTime, printable } from "./printable.ts";

const COLOUR = { info: "cyan", warning: "yellow", critical: "red" } as const satisfies Record<Severity, string>;

/** Without a line end. The columns before the reason are aligned from line to line. */
export function anomalyLine(anomaly: Anomaly, colour: boolean): string {
  const { severity, state } = anomaly;
  const padded = severity.toUpperCase().padEnd(8);
  const level = colour ? styleText(COLOUR[severity], padded, { validateStream: false }) : padded;
  const facts = [
    `score ${anomaly.score.toFixed(1)}`,
    `rarity ${anomaly.rarity.toFixed(1)}`,
    printable(anomaly.detector),
    `id ${printable(anomaly.id)}`,
  ];
  if (state !== "open") facts.push(state + since(anomaly));
  const type = printable(anomaly.type).padEnd(11);
  return `${isoTime(anomaly.time)} ${level} ${type}  ${printable(anomaly.reason)}  [${facts.join(", ")}]`;
}

/** " after 12 min" of what is over, " for 4 min" of what goes on; nothing where that is not known. */
function since({ state, episode }: Anomaly): string {
  if (!episode || episode.lastSeen === episode.start) return "";
  return ` ${state === "resolved" ? "after" : "for"} ${spokenDuration(episode.lastSeen - episode.start)}`;
}
