// How the agent fares: what comes in, what it watches, what it takes.
import { h, type VNode } from "preact";
import type { Status } from "../contract.ts";
import { type Fact, Facts, Meter, Section } from "./facts.ts";
import { age, bytes, duration, number, percent } from "./format.ts";
import { Link, to } from "./router.ts";
import { SeverityMark } from "./severity.ts";
import { Text } from "./text.ts";

export function Health({ status }: { status: Status }): VNode<any> {
  const {
    rows_per_second: rows,
    series,
    warming,
    alert_budget,
    memory_bytes,
    memory_limit_bytes,
    cpu,
    queue,
    unwell,
  } = status;
  const ready = series > 0 ? 1 - warming / series : 1;
  const facts: Fact[] = [
    ["Rows a second", h("b", null, number(rows.metrics + rows.traces + rows.logs))],
    ["Last row", h("b", null, status.last_row === null ? "none yet" : age(status.time - status.last_row))],
    ["Series watched", h("b", null, number(series))],
    [
      "Warming",
      h("b", null, number(warming)),
      warming > 0 && [
        h(Meter, { key: "m", part: ready }),
        h("span", { key: "w", class: "xs dimmer" }, `${percent(ready)} ready`),
      ],
    ],
    alert_budget.per_day === null
      ? ["Incidents in 24 h", h("b", null, number(alert_budget.used))]
      : [
          "Alarm budget",
          h("b", null, `${number(alert_budget.used)} of ${number(alert_budget.per_day)} a day`),
          h(Meter, { part: alert_budget.used / alert_budget.per_day }),
        ],
    memory_limit_bytes === null
      ? ["Memory", bytes(memory_bytes)]
      : [
          "Memory",
          `${bytes(memory_bytes)} of ${bytes(memory_limit_bytes)}`,
          h(Meter, { part: memory_bytes / memory_limit_bytes }),
        ],
    ["CPU", `${percent(cpu)} of a core`],
    ["Running for", duration(status.time - status.started)],
    ...(queue
      ? [
          [
            "Waiting to be sent",
            `${number(queue.size)} of ${number(queue.capacity)}`,
            h(Link, { to: to("pipelines") }, "All queues"),
          ] as Fact,
        ]
      : []),
  ];
  const bad = unwell
    .slice(0, 5)
    .map(({ id, reason }) =>
      h(
        "li",
        { key: id },
        h(SeverityMark, { severity: "warning", word: h(Link, { to: to("pipelines", id) }, id) }),
        h("p", { class: "s dim" }, h(Text, { value: reason })),
      ),
    );
  return h(
    "aside",
    { "aria-label": "Agent" },
    h(
      Section,
      { title: "Agent" },
      h(Facts, { facts: facts }),
      bad.length > 0 && h("ul", { class: "rules after" }, bad),
    ),
  );
}
