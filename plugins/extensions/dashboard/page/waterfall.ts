// A trace as a waterfall: pale is the whole span, solid its own time, and the span at fault is marked and named.
import { h, type VNode } from "preact";
import type { Told, Trace } from "../contract.ts";
import { duration, percent } from "./format.ts";
import { SeverityMark } from "./severity.ts";
import { Text } from "./text.ts";

type Span = Trace["spans"][number];

const MOST_SPANS = 100;

export interface Guilty {
  /** Index of the span. */
  readonly span: number;
  /** One sentence: why this one. */
  readonly why: string;
}

/**
 * The span at fault: the one that an anomaly of the incident names; else the longest of an operation that one is about; else the deepest that
 * failed, since failures rise to callers; else the one that took most time itself, if that is most of the trace.
 */
export function guiltyOf({ trace_id, spans }: Trace, members: readonly Told[]): Guilty | undefined {
  const found = members.filter(({ signal }) => signal === "traces");
  for (const { labels, reason } of found) {
    const span = labels?.trace_id === trace_id ? spans.findIndex(({ span_id }) => span_id === labels.span_id) : -1;
    if (span >= 0) return { span, why: reason };
  }
  const longestOf = (some: readonly number[]) =>
    some.reduce((best, i) => (spans[i].self > spans[best].self ? i : best));
  const all = spans.map((_, i) => i);
  for (const { service, name, reason } of found) {
    const same = all.filter((i) => spans[i].service === service && spans[i].name === name);
    if (same.length > 0) return { span: longestOf(same), why: reason };
  }
  const depths = depthsOf(spans);
  const failed = all.filter((i) => spans[i].failed);
  if (failed.length > 0) {
    const deepest = failed.reduce((best, i) => (depths[i] > depths[best] ? i : best));
    return { span: deepest, why: failed.length === 1 ? "It failed." : "It failed first; its callers failed with it." };
  }
  const total = spans[0]?.duration ?? 0;
  if (!(total > 0)) return undefined;
  const longest = longestOf(all);
  if (spans[longest].self < total / 2) return undefined;
  const part = percent(spans[longest].self / total);
  return { span: longest, why: `It took ${duration(spans[longest].self)} itself, ${part} of the trace.` };
}

export function depthsOf(spans: readonly Pick<Span, "parent">[]): number[] {
  const depths: number[] = [];
  for (const { parent } of spans) depths.push(parent >= 0 && parent < depths.length ? depths[parent] + 1 : 0);
  return depths;
}

/** The spans to show: all, or of very many the one at fault, those above it, and the longest. */
export function shownSpans(spans: readonly Span[], guilty: number | undefined): number[] {
  const all = spans.map((_, i) => i);
  if (spans.length <= MOST_SPANS) return all;
  const chosen = new Set<number>();
  for (let i = guilty ?? 0; i >= 0; i = spans[i].parent) chosen.add(i);
  for (const i of [...all].sort((a, b) => spans[b].duration - spans[a].duration)) {
    if (chosen.size >= MOST_SPANS) break;
    chosen.add(i);
  }
  return all.filter((i) => chosen.has(i));
}

export function Waterfall({ trace, members }: { trace: Trace; members: readonly Told[] }): VNode<any> {
  const { spans } = trace;
  const guilty = guiltyOf(trace, members);
  const depths = depthsOf(spans);
  const begin = Math.min(...spans.map(({ start }) => start));
  const whole = Math.max(1e-6, ...spans.map(({ start, duration }) => start + duration - begin));
  const part = (ms: number) => `${Math.max(0, Math.min(100, (100 * ms) / whole))}%`;
  const shown = shownSpans(spans, guilty?.span);
  const rows = shown.map((i) => {
    const { span_id, name, service, start, duration: took, self, failed } = spans[i];
    const at = { "--l": part(start - begin) };
    const why = guilty?.span === i ? guilty.why : undefined;
    const label = h(Text, { value: name || "(no name)", max: 80 });
    return h(
      "li",
      { key: span_id, class: why === undefined ? "" : "guilty critical", style: { "--d": Math.min(depths[i], 12) } },
      h(
        "span",
        { class: "name" },
        why === undefined ? label : h(SeverityMark, { severity: "critical", word: label }),
        h("span", { class: "dimmer xs" }, " ", h(Text, { value: service, max: 60 }), failed && " · failed"),
      ),
      h(
        "span",
        { class: "tr", "aria-hidden": "true" },
        h("i", { style: { ...at, "--w": part(took) } }),
        h("i", { class: "self", style: { ...at, "--w": part(self) } }),
      ),
      h("span", { class: "n" }, duration(took), h("span", { class: "vh" }, `, ${duration(self)} of it itself`)),
      why !== undefined && h("span", { class: "why xs" }, h(Text, { value: why, max: 400 })),
    );
  });
  return h(
    "div",
    null,
    h("ol", { class: "wf" }, rows),
    shown.length < spans.length &&
      h("p", { class: "xs dimmer" }, `${spans.length - shown.length} shorter spans are left out.`),
  );
}
