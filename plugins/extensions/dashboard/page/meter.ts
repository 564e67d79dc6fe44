// How full something is, as a bar beside words that say it.
import { h, type VNode } from "preact";

/** `part`: from 0 to 1; `tone`: a severity, where it is more than should be. */
export function Meter({ part, tone = "" }: { part: number; tone?: string }): VNode<any> {
  const width = `${100 * Math.max(0, Math.min(1, Number.isFinite(part) ? part : 0))}%`;
  const bar = h("i", { style: { "--v": width } });
  return h("div", { class: tone === "" ? "meter" : `meter sev-on ${tone}`, "aria-hidden": "true" }, bar);
}
