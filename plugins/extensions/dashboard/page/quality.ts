// The view Quality: alarms a day against the budget, what feedback changed, what rehearsals found, which detectors tell most.
import { h, type VNode } from "preact";
import { useState } from "preact/hooks";
import type { Quality as Found } from "../contract.ts";
import { useGet } from "./api.ts";
import { Days } from "./days.ts";
import { Effects } from "./effects.ts";
import { Facts, Meter, Section } from "./facts.ts";
import { counted, duration, moment, number, percent } from "./format.ts";
import { useKept } from "./kept.ts";
import { useChanges } from "./live.ts";
import type { ViewProps } from "./main.ts";
import { Link, to } from "./router.ts";
import { Table } from "./table.ts";
import { Text } from "./text.ts";
import { Loading, Unanswered } from "./waiting.ts";

const SPANS = [7, 14, 30] as const;
const MINUTE = 60_000;
const MOST_DETECTORS = 20;

export function Quality({ session }: ViewProps): VNode<any> {
  const [days, setDays] = useState<number>(7);
  const changes = useChanges();
  const path = `/api/v1/quality?days=${days}&offset=${-new Date().getTimezoneOffset()}`;
  const { data, error } = useKept(useGet<Found>(path, changes), "quality");
  if (error && !data) return h(Unanswered, { title: "The quality of the alarms cannot be shown.", error });
  if (!data) return h(Loading, {});
  const choice = h(
    "select",
    {
      "aria-label": "Days",
      value: String(days),
      onChange: (event: Event) => setDays(Number((event.currentTarget as HTMLSelectElement).value)),
    },
    SPANS.map((span) => h("option", { key: span, value: String(span) }, `${span} days`)),
  );
  const title = h("div", { class: "top" }, h("h2", null, "Alarms a day"), choice);
  return h(
    "div",
    null,
    h(Head, { found: data }),
    h(
      "div",
      { class: "split" },
      h(
        "div",
        { class: "stack" },
        h("section", { class: "sec" }, title, h(Days, { days: data.days, perDay: data.budget.per_day })),
        h(SelfTest, { test: data.self_test }),
        h(Noisiest, { found: data }),
      ),
      h(
        "div",
        { class: "stack" },
        h(Budget, { budget: data.budget }),
        h(Effects, { mayChange: session.role === "operator", store: session.store }),
      ),
    ),
  );
}

const told = ({ good, bad, expected, unjudged }: Found["days"][number]) => good + bad + expected + unjudged;

function recall({ kinds }: NonNullable<Found["self_test"]>): number {
  const planted = kinds.reduce((sum, each) => sum + each.planted, 0);
  return planted === 0 ? Number.NaN : kinds.reduce((sum, each) => sum + each.found, 0) / planted;
}

function Head({ found: { days, budget, self_test } }: { found: Found }): VNode<any> {
  const all = days.reduce((sum, day) => sum + told(day), 0);
  const sum = (of: "good" | "bad") => days.reduce((total, day) => total + day[of], 0);
  const allowed = budget.per_day === null ? "" : ` where ${number(budget.per_day)} a day are allowed`;
  const few = `${counted(all, "alarm")} in ${days.length} days`;
  const alarms = all < days.length ? few : `${number(Math.round((10 * all) / days.length) / 10)} alarms a day`;
  const part = self_test ? recall(self_test) : Number.NaN;
  const faults = Number.isNaN(part) ? "" : `, and ${percent(part)} of planted faults found`;
  const judged =
    all === 0
      ? ""
      : ` Of ${number(all)}, ${number(sum("good"))} were marked as real and ${number(sum("bad"))} as no problem.`;
  return h(
    "div",
    { class: "head" },
    h("h1", { tabIndex: -1 }, `${all === 0 ? "No alarm was told" : alarms + allowed}${faults}.`),
    h("p", null, `Over the last ${days.length} days.${judged}`),
  );
}

function Budget({ budget: { per_day, used } }: { budget: Found["budget"] }): VNode<any> {
  if (per_day === null) {
    return h(
      Section,
      { title: "Alarm budget" },
      h("p", { class: "s dim" }, "No detector has an alert_budget: fixed lines decide what is told."),
    );
  }
  const tone = used > per_day ? "warning" : "";
  const words = `${number(used)} of ${number(per_day)}${used > per_day ? ", over it" : ""}`;
  return h(
    Section,
    { title: "Alarm budget" },
    h(Facts, { facts: [["Told in the last 24 hours", words, h(Meter, { part: used / per_day, tone })]] }),
  );
}

function SelfTest({ test }: { test: Found["self_test"] }): VNode<any> {
  if (!test) {
    const words =
      "No rehearsal has run. With the extension self_test the agent plants faults into a copy of what comes in, and says here how many it found.";
    return h(Section, { title: "Self-test" }, h("p", { class: "s dim" }, words));
  }
  const alarms = `${counted(test.alarms, "false alarm")} in the ${duration(test.minutes * MINUTE)} of the copy.`;
  const kinds = test.kinds.map(({ signal, kind, found, planted }) =>
    h(
      "li",
      { class: "rec", key: `${signal} ${kind}` },
      h("span", { class: "dim" }, h(Text, { value: `${kind.replaceAll("_", " ")}, ${signal}`, max: 60 })),
      h(Meter, { part: found / planted }),
      h("span", { class: "n" }, `${number(found)} of ${number(planted)}`),
    ),
  );
  const when = `Faults planted into a copy of your own telemetry, ${moment(test.time)}. ${alarms}`;
  return h(Section, { title: "Self-test" }, h("p", { class: "s" }, when), h("ul", null, kinds));
}

function Noisiest({ found: { detectors, days } }: { found: Found }): VNode<any> {
  if (detectors.length === 0)
    return h(Section, { title: "Noisiest detectors" }, h("p", { class: "s dim" }, "None has told anything."));
  const rows = detectors
    .slice(0, MOST_DETECTORS)
    .map(({ id, told, bad, setting }) => [
      h("code", null, h(Text, { value: id, max: 80 })),
      number(told),
      number(bad),
      h(Link, { to: to("pipelines", id) }, h(Text, { value: setting === "" ? "its options" : setting, max: 60 })),
    ]);
  const heads = ["detector", `told in ${days.length} days`, "not a problem", "setting"];
  return h(
    Section,
    { title: "Noisiest detectors" },
    h(Table, { title: "noisiest detectors", heads, rows, numeric: [1, 2] }),
  );
}
