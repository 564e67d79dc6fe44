// Small parts that views share: heads, sections, key figures; what stands there while there is no answer, and when one failed.
import { type ComponentChildren, h, type VNode } from "preact";
import type { ApiError } from "./api.ts";
import { Text } from "./text.ts";

interface Titled {
  readonly title: ComponentChildren;
  readonly children?: ComponentChildren;
}

/** Of a view: its heading takes the focus when one comes there. */
export function Head({ title, children }: Titled): VNode<any> {
  return h("div", { class: "head" }, h("h1", { tabIndex: -1 }, title), children);
}

export function Section({ title, children }: Titled): VNode<any> {
  return h("section", { class: "sec" }, h("h2", null, title), children);
}

/** `under` takes the whole width below both. */
export type Fact = readonly [name: string, value: ComponentChildren, under?: ComponentChildren];

export function Facts({ facts }: { facts: readonly Fact[] }): VNode<any> {
  const shown = facts.map(([name, value, under]) =>
    h(
      "div",
      { key: name },
      h("dt", null, h(Text, { value: name, max: 80 })),
      h("dd", null, value),
      under && h("dd", { class: "under" }, under),
    ),
  );
  return h("dl", { class: "facts" }, shown);
}

/** `part`: from 0 to 1; `tone`: a severity, where it is more than should be. */
export function Meter({ part, tone = "" }: { part: number; tone?: string }): VNode<any> {
  const width = `${100 * Math.max(0, Math.min(1, Number.isFinite(part) ? part : 0))}%`;
  const bar = h("i", { style: { "--v": width } });
  return h("div", { class: tone === "" ? "meter" : `meter sev-on ${tone}`, "aria-hidden": "true" }, bar);
}

const WIDTHS = [70, 45, 60, 30];

/** Lines where text will be. */
export function Ghosts(): VNode<any> {
  const lines = WIDTHS.map((width) => h("div", { class: "ghost", key: width, style: { "--w": `${width}%` } }));
  return h("div", { "aria-busy": "true" }, lines);
}

/** "The agent does not answer; see that it runs." */
export function errorWords({ message, remedy }: ApiError): string {
  const cause = message.charAt(0).toUpperCase() + message.slice(1);
  return remedy === "" ? `${cause}.` : `${cause}; ${remedy}.`;
}

/** Within a view: what could not be shown or done. */
export function Failed({ error }: { error: ApiError }): VNode<any> {
  return h("p", { class: "note", role: "alert" }, h(Text, { value: errorWords(error), max: 1000 }));
}
