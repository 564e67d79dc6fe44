// The view Explore: every watched series, found by words, state and service; one of them, where it is chosen, beside the list.
import { h, type VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { SeriesItem } from "../contract.ts";
import { Failed, Ghosts } from "./facts.ts";
import { counted, number } from "./format.ts";
import { type Asked, PAGE } from "./listing.ts";
import type { ViewProps } from "./main.ts";
import { Link, to } from "./router.ts";
import { Series } from "./series.ts";
import { SeverityMark } from "./severity.ts";
import { Spark } from "./spark.ts";
import { seriesFare } from "./states.ts";
import { Text } from "./text.ts";
import { Unanswered } from "./waiting.ts";
import { useWatched, type Watched } from "./watched.ts";

/** Milliseconds after the last letter. */
const TYPED = 150;
const ANYTHING: Asked = { words: "", state: "", service: "", cursors: [] };
const STATES = [
  ["", "All"],
  ["over", "Over the line"],
  ["warming", "Warming"],
  ["quiet", "Usual"],
] as const;

/** So that a search is still there when one comes back. */
let lastAsked = ANYTHING;

export function Explore({ route: { id } }: ViewProps): VNode<any> {
  const [asked, setAsked] = useState(lastAsked);
  const ask = (change: Partial<Asked>) => {
    lastAsked = { ...asked, cursors: [], ...change };
    setAsked(lastAsked);
  };
  const { watched, error, loading, show } = useWatched(asked);
  if (error && !watched && id === "") return h(Unanswered, { title: "The series cannot be shown.", error });
  const list = h(
    "div",
    { class: "found", "aria-busy": loading && !watched },
    h(Filters, { asked, ask, watched }),
    error && h(Failed, { error }),
    watched ? h(List, { watched, chosen: id, show }) : !error && h(Ghosts, {}),
    watched && h(Pages, { asked, ask, watched }),
  );
  return h(
    "div",
    null,
    id === "" && h(Head, { watched }),
    h("div", { class: id === "" ? "explore" : "explore chosen" }, list, id !== "" && h(Series, { id, key: id })),
  );
}

function Head({ watched }: { watched: Watched | undefined }): VNode<any> {
  const { over = 0, warming = 0, quiet = 0 } = watched?.page.states ?? {};
  const all = over + warming + quiet;
  const finding =
    over === 0
      ? "No series is over its line."
      : `${counted(over, "series", "series")} ${over === 1 ? "is" : "are"} over the line.`;
  const words =
    all === 0
      ? "Every series that detectors watch, and what they think of it."
      : `${counted(all, "series", "series")} found, ${number(warming)} of them warming.`;
  return h(
    "div",
    { class: "head" },
    h("h1", { tabIndex: -1 }, watched && all > 0 ? finding : "Explore"),
    h("p", null, words),
  );
}

interface Filtering {
  readonly asked: Asked;
  readonly ask: (change: Partial<Asked>) => void;
  readonly watched: Watched | undefined;
}

function Filters({ asked, ask, watched }: Filtering): VNode<any> {
  const [typed, setTyped] = useState(asked.words);
  useEffect(() => {
    if (typed === asked.words) return;
    const timer = setTimeout(() => ask({ words: typed }), TYPED);
    return () => clearTimeout(timer);
  });
  const states = watched?.page.states;
  const count = (state: Asked["state"]) =>
    states && (state === "" ? states.over + states.warming + states.quiet : states[state]);
  const chips = STATES.map(([state, word]) =>
    h(
      "button",
      {
        class: "chip",
        key: state,
        type: "button",
        "aria-pressed": asked.state === state,
        onClick: () => ask({ state }),
      },
      word,
      states && h("span", { class: "dimmer" }, ` ${number(count(state))}`),
    ),
  );
  const services = watched?.page.services ?? [];
  const options = ["", ...services].map((name) =>
    h("option", { key: name, value: name }, name === "" ? "All services" : name),
  );
  return h(
    "div",
    { class: "filters" },
    h("input", {
      type: "search",
      "aria-label": "Search series",
      placeholder: "Search by name, service, attribute, detector",
      maxLength: 200,
      value: typed,
      onInput: (event: Event) => setTyped((event.currentTarget as HTMLInputElement).value),
    }),
    services.length > 1 &&
      h(
        "select",
        {
          "aria-label": "Service",
          value: asked.service,
          onChange: (event: Event) => ask({ service: (event.currentTarget as HTMLSelectElement).value }),
        },
        options,
      ),
    h("div", { class: "chips", role: "group", "aria-label": "State" }, chips),
  );
}

function List({ watched, chosen, show }: { watched: Watched; chosen: string; show: () => void }): VNode<any> {
  const { items, waiting } = watched;
  if (items.length === 0) {
    const isNone = watched.page.services.length === 0;
    const words = isNone
      ? "No detector watches a series yet: nothing has come, or no detector is configured."
      : "No series has all that.";
    return h("p", { class: "note", role: "status" }, words);
  }
  const rows = items.map((item) =>
    h("li", { key: item.fingerprint }, h(Row, { item, isChosen: item.fingerprint === chosen })),
  );
  return h(
    "div",
    null,
    waiting > 0 &&
      h(
        "button",
        { class: "btn wide", type: "button", onClick: show },
        `${counted(waiting, "more series is", "more series are")} over the line: show`,
      ),
    h("ul", { class: "watched" }, rows),
  );
}

function Row({ item, isChosen }: { item: SeriesItem; isChosen: boolean }): VNode<any> {
  const { mark, words } = seriesFare(item);
  const attributes = Object.entries(item.attributes)
    .map(([key, value]) => `${key}=${value}`)
    .join(" ");
  return h(
    Link,
    { to: to("explore", item.fingerprint), current: isChosen, step: true },
    h(
      "span",
      { class: "what" },
      h("b", { class: "name" }, h(Text, { value: item.name, max: 90 })),
      " ",
      h("span", { class: "dimmer" }, h(Text, { value: item.service, max: 60 }), ` · ${item.detector.slice(0, 60)}`),
      attributes !== "" && h("span", { class: "xs dimmer more" }, h(Text, { value: attributes, max: 140 })),
    ),
    h(
      "span",
      { class: "fare xs" },
      item.state === "quiet" ? h("span", { class: "dimmer" }, words) : h(SeverityMark, { severity: mark, word: words }),
    ),
    h("span", { class: "n value more" }, number(item.observed, item.unit)),
    h(Spark, { spark: item.spark }),
  );
}

function Pages({ asked, ask, watched }: Filtering & { watched: Watched }): VNode<any> | null {
  const { next, total } = watched.page;
  const before = asked.cursors.length * PAGE;
  if (before === 0 && next === null) return null;
  const last = Math.min(total, before + watched.items.length);
  return h(
    "nav",
    { class: "pages", "aria-label": "Pages of series" },
    h(
      "button",
      {
        class: "btn",
        type: "button",
        disabled: before === 0,
        onClick: () => ask({ cursors: asked.cursors.slice(0, -1) }),
      },
      "Before",
    ),
    h("span", { class: "s dim", role: "status" }, `${number(before + 1)} to ${number(last)} of ${number(total)}`),
    h(
      "button",
      {
        class: "btn",
        type: "button",
        disabled: next === null,
        onClick: () => next !== null && ask({ cursors: [...asked.cursors, next] }),
      },
      "Next",
    ),
  );
}
