// Log messages of an incident: how often each came, against what is usual, and one line as it was received.
import { h, type VNode } from "preact";
import type { Told } from "../contract.ts";
import { number } from "./format.ts";
import { SeverityMark } from "./severity.ts";
import { clipped, Text } from "./text.ts";

const MOST = 20;

/** "new", "9 times usual", "silent"; "" where a count says nothing. */
export function comparedWords({ type, observed, expected }: Told): string {
  if (type === "new_template") return "new";
  const [seen, usual] = [Number(observed ?? Number.NaN), Number(expected ?? Number.NaN)];
  if (!(seen >= 0) || !(usual >= 0)) return "";
  if (seen === 0 && usual > 0) return "silent";
  if (usual === 0) return seen > 0 ? "usually none" : "";
  const ratio = seen / usual;
  if (ratio >= 1.5) return `${number(Number(ratio.toPrecision(2)))} times usual`;
  return ratio <= 0.67 ? `${Math.round(100 * ratio)} % of usual` : "as usual";
}

/** The variable parts of a template stand out from its words. */
export function Template({ value }: { value: string }): VNode<any> {
  const parts = clipped(value, 400).split(/(<[^<>]{0,20}>)/);
  return h(
    "bdi",
    { class: "mono" },
    parts.map((part, i) => (i % 2 === 1 ? h("i", { key: i }, part) : part)),
  );
}

export function Templates({ members }: { members: readonly Told[] }): VNode<any> {
  const rows = members.slice(0, MOST).map((member) => {
    const { id, severity, labels, reason, observed } = member;
    const words = comparedWords(member);
    return h(
      "li",
      { key: id, class: "tpl" },
      h("b", { class: "n" }, words === "" ? "" : number(observed)),
      h(
        "span",
        null,
        labels?.template ? h(Template, { value: labels.template }) : h(Text, { value: reason }),
        labels?.template && h("span", { class: "xs dim line" }, h(Text, { value: reason })),
        labels?.example &&
          h(
            "details",
            null,
            h("summary", null, "A line as received"),
            h("bdi", { class: "raw" }, clipped(labels.example, 2000)),
          ),
      ),
      h("span", { class: "xs" }, words !== "" && h(SeverityMark, { severity, word: words })),
    );
  });
  return h("ul", { class: "rules" }, rows);
}
