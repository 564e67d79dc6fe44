// What happened around an incident: what was changed before it, in which order it spread, and what was sent and done because of it.
import { h, type VNode } from "preact";
import type { Audit, IncidentWhole, Page, Told } from "../contract.ts";
import { useGet } from "./api.ts";
import { Section } from "./facts.ts";
import { clock } from "./format.ts";
import { SeverityMark } from "./severity.ts";
import { Text } from "./text.ts";

const MINUTE = 60_000;
/** Before the first deviation: what was changed then may be its cause. */
const LOOK_BACK = 30 * MINUTE;
/** Rows of each sort. */
const MOST = 8;

export function WhatChanged({ incident }: { incident: IncidentWhole }): VNode<any> | null {
  const { members, start } = incident;
  const deployments = useGet<Page<Told>>(
    `/api/v1/episodes?type=deployment&since=${Math.trunc(start - LOOK_BACK)}&until=${Math.trunc(start + 5 * MINUTE)}&limit=10`,
  );
  const involved = new Set([incident.service, ...incident.services]);
  const deployed = deployments.data?.items.filter(({ service }) => involved.has(service));
  const news = [...(deployed ?? []), ...members.filter(({ type }) => /^new_|^missing_|deployment/.test(type))];
  const happened = [...new Map(news.map(({ id, start, reason }) => [id, { id, start, words: reason }])).values()];
  const rows = [...happened.slice(0, MOST), ...firstDeviations(members)]
    .sort((a, b) => a.start - b.start)
    .map(({ id, start, words }) =>
      h(
        "li",
        { key: id, class: "when" },
        h("span", { class: "dimmer" }, clock(start, true)),
        h("span", null, h(Text, { value: words, max: 200 })),
      ),
    );
  return rows.length === 0 ? null : h(Section, { title: "What changed" }, h("ol", { class: "rules" }, rows));
}

interface Happened {
  readonly id: string;
  /** Unix milliseconds. */
  readonly start: number;
  readonly words: string;
}

/** In which order services left what is usual; nothing where there is one. */
export function firstDeviations(members: readonly Told[]): Happened[] {
  const found = members.filter(({ type, service }) => type !== "deployment" && service !== "");
  const byService = Map.groupBy(found, ({ service }) => service);
  const firsts = [...byService]
    .map(([service, own]) => ({ service, start: Math.min(...own.map(({ start }) => start)) }))
    .sort((a, b) => a.start - b.start);
  if (firsts.length < 2) return [];
  return firsts.slice(0, MOST).map(({ service, start }, i) => {
    return { id: `first ${service}`, start, words: i === 0 ? `${service} deviates first` : `${service} follows` };
  });
}

export function AlertsSent({ about, again }: { about: string; again: unknown }): VNode<any> | null {
  const { data } = useGet<Page<Audit>>(`/api/v1/audit?about=${encodeURIComponent(about)}&limit=50`, again);
  const records = data?.items ?? [];
  if (records.length === 0) return null;
  const rows = records
    .slice(0, 12)
    .map(({ at, by, action, outcome, detail }, i) =>
      h(
        "li",
        { key: i, class: "when" },
        h("span", { class: "dimmer" }, clock(at, true)),
        h(
          "span",
          null,
          h("code", null, h(Text, { value: by, max: 60 })),
          " ",
          outcome === "failed" ? h(SeverityMark, { severity: "warning", word: "failed" }) : "",
          h(
            "span",
            { class: "dimmer" },
            ` ${action === "send" ? "" : `${action}, ${outcome}: `}`,
            h(Text, { value: detail, max: 200 }),
          ),
        ),
      ),
    );
  return h(Section, { title: "Alerts sent, and what was done" }, h("ol", { class: "rules" }, rows));
}
