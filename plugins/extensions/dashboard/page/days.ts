// Alarms by day as bars, against what the budget allows; what they turned out to be is a pattern and a word.
import { h, type VNode } from "preact";
import type { Quality } from "../contract.ts";
import { day, number } from "./format.ts";
import { TableDetails } from "./table.ts";

export type Day = Quality["days"][number];

/** From the axis upwards. */
export const OPINIONS = [
  ["good", "real"],
  ["bad", "not a problem"],
  ["expected", "expected"],
  ["unjudged", "not judged"],
] as const;
/** Days whose date is said. */
const MOST_DATES = 8;

export const toldOn = (one: Day): number => OPINIONS.reduce((sum, [opinion]) => sum + one[opinion], 0);

/** "2 real, 1 not judged", "none". */
export function dayWords(one: Day): string {
  const parts = OPINIONS.filter(([opinion]) => one[opinion] > 0).map(
    ([opinion, word]) => `${number(one[opinion])} ${word}`,
  );
  return parts.length === 0 ? "none" : parts.join(", ");
}

/** Of "2026-11-23", as the viewer's day. */
const dateWords = (date: string) => day(new Date(`${date}T12:00:00`).getTime());

export function Days({ days, perDay }: { days: readonly Day[]; perDay: number | null }): VNode<any> {
  const most = Math.max(3, perDay === null ? 0 : perDay * 1.15, ...days.map(toldOn));
  const every = Math.ceil(days.length / MOST_DATES);
  const used = OPINIONS.filter(([opinion]) => days.some((one) => one[opinion] > 0));
  const legend = used.map(([opinion, word]) =>
    h("span", { key: opinion }, h("i", { class: `pile ${opinion}`, "aria-hidden": "true" }), word),
  );
  if (used.length === 0) return h("p", { class: "s dim" }, "None in these days.");
  const columns = days.map((one, i) =>
    h(Column, { key: one.date, one, most, dated: (days.length - 1 - i) % every === 0 }),
  );
  const line = perDay !== null && h(BudgetLine, { perDay, most });
  const rows = () =>
    days.map((one) => [dateWords(one.date), ...OPINIONS.map(([opinion]) => number(one[opinion]))]).reverse();
  return h(
    "div",
    null,
    h("div", { class: "legend" }, legend),
    h("div", { class: "columns" }, h("ol", null, columns), line),
    h(TableDetails, {
      title: "alarms a day",
      heads: ["day", ...OPINIONS.map(([, word]) => word)],
      rows,
      numeric: [1, 2, 3, 4],
    }),
  );
}

function Column({ one, most, dated }: { one: Day; most: number; dated: boolean }): VNode<any> {
  const parts = OPINIONS.filter(([opinion]) => one[opinion] > 0).map(([opinion]) =>
    h("i", { class: `pile ${opinion}`, key: opinion, style: { height: `${(100 * one[opinion]) / most}%` } }),
  );
  const all = toldOn(one);
  return h(
    "li",
    { title: `${dateWords(one.date)}: ${dayWords(one)}` },
    h("span", { class: "vh" }, `${dateWords(one.date)}: ${dayWords(one)}`),
    h(
      "span",
      { class: "stackup", "aria-hidden": "true" },
      parts.toReversed(),
      all > 0 && h("b", { class: "count", style: { bottom: `${(100 * all) / most}%` } }, number(all)),
    ),
    h("span", { class: "date", "aria-hidden": "true" }, dated ? dateWords(one.date) : ""),
  );
}

function BudgetLine({ perDay, most }: { perDay: number; most: number }): VNode<any> {
  const words = `budget ${number(perDay)} a day`;
  return h(
    "div",
    { class: "budget" },
    h("span", { class: "limit", style: { bottom: `${(100 * perDay) / most}%` } }, words),
  );
}
