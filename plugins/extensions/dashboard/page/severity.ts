// How bad something is: a shape, a word and a colour, never a colour alone.
import { type ComponentChildren, h, type VNode } from "preact";

/** A severity, or how a component or series fares. */
export type Mark = "critical" | "warning" | "info" | "ok" | "warming" | "no";

const SHAPES: Readonly<Record<Mark, string>> = {
  critical: "M7 0l7 7-7 7-7-7z",
  warning: "M7 1l7 12H0z",
  info: "M7 2.2a4.8 4.8 0 1 0 0 9.6a4.8 4.8 0 1 0 0-9.6",
  ok: "M1.5 7.5l4 4 7-9",
  warming: "M7 2a5 5 0 1 0 0 10a5 5 0 1 0 0-10",
  no: "M2.5 2.5l9 9m0-9l-9 9",
};
const WORDS: Readonly<Record<Mark, string>> = {
  critical: "Critical",
  warning: "Warning",
  info: "Info",
  ok: "OK",
  warming: "Warming",
  no: "No",
};

export function Icon({ mark, size = 12 }: { mark: Mark; size?: number }): VNode<any> {
  const filled = mark === "critical" || mark === "warning";
  const stroke = { fill: "none", stroke: "currentColor", "stroke-width": 2 };
  return h(
    "svg",
    { viewBox: "0 0 14 14", width: size, height: size, "aria-hidden": "true" },
    h("path", {
      d: SHAPES[mark],
      ...(filled ? { fill: "currentColor" } : stroke),
      ...(mark === "warming" && { "stroke-dasharray": "2 2" }),
    }),
  );
}

export function SeverityMark({ severity, word }: { severity: Mark; word?: ComponentChildren }): VNode<any> {
  return h("span", { class: `sev ${severity}` }, h(Icon, { mark: severity }), word ?? WORDS[severity]);
}

const RANK: readonly Mark[] = ["critical", "warning", "info"];

/** For sorting: the worst first. */
export const bySeverity = (a: { severity: Mark }, b: { severity: Mark }): number =>
  RANK.indexOf(a.severity) - RANK.indexOf(b.severity);
