// What was said of anomalies, what that changes, and how it is undone.
import { h, type VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Effect, Feedback, Page } from "../contract.ts";
import { ApiError, remove, useGet } from "./api.ts";
import { errorWords, Failed, Section } from "./facts.ts";
import { moment, number } from "./format.ts";
import { useChanges } from "./live.ts";
import { Text } from "./text.ts";

const LIMIT = 100;
const OPINIONS = { good: "A real problem", bad: "Not a problem", expected: "Expected" } as const;

export function Effects({ mayChange, store }: { mayChange: boolean; store: boolean }): VNode<any> {
  const changes = useChanges();
  const [undone, setUndone] = useState(0);
  const seen = useRef(new Map<string, Feedback>());
  const again = `${changes} ${undone}`;
  const given = useGet<Page<Feedback>>(store ? `/api/v1/feedback?limit=${LIMIT}` : undefined, again);
  const effects = useGet<Page<Effect>>(store ? `/api/v1/effects?limit=${LIMIT}` : undefined, again);
  const title = "Feedback and its effect";
  if (!store) {
    const words = "Without an anomaly_store there is no feedback: add the extension to the configuration.";
    return h(Section, { title }, h("p", { class: "s dim" }, words));
  }
  const error = given.error ?? effects.error;
  if (error) return h(Section, { title }, h(Failed, { error }));
  if (!given.data || !effects.data) return h(Section, { title }, h("div", { class: "ghost", "aria-busy": "true" }));
  const { items } = given.data;
  for (const one of items) seen.current.set(one.id, one);
  // what was undone stays where it was, and says so
  const shown = [...seen.current.values()];
  const told = effects.data.items;
  const none = "None was given. What is marked on an incident is listed here, and can be undone.";
  const rows = shown.map((one) =>
    h(Given, {
      key: one.id,
      one,
      effects: told.filter(({ feedback }) => feedback.includes(one.id)),
      mayChange,
      isOver: one.taken_back != null || !items.some(({ id }) => id === one.id),
      undone: () => setUndone(undone + 1),
    }),
  );
  return h(
    Section,
    { title },
    rows.length === 0 ? h("p", { class: "s dim" }, none) : h("ul", { class: "rules" }, rows),
    given.data.next !== null && h("p", { class: "xs dimmer" }, `The latest ${number(LIMIT)} are listed.`),
  );
}

interface GivenProps {
  readonly one: Feedback;
  readonly effects: readonly Effect[];
  readonly mayChange: boolean;
  /** It holds no more. */
  readonly isOver: boolean;
  readonly undone: () => void;
}

type Undoing = "no" | "asked" | "done";

function Given({ one, effects, mayChange, isOver, undone }: GivenProps): VNode<any> {
  const [undoing, setUndoing] = useState<Undoing>("no");
  const [error, setError] = useState("");
  const undo = async () => {
    setUndoing("asked");
    try {
      await remove(`/api/v1/feedback/${encodeURIComponent(one.id)}`);
      setUndoing("done");
      setError("");
      undone();
    } catch (failed) {
      setUndoing("no");
      setError(failed instanceof ApiError ? errorWords(failed) : String(failed));
    }
  };
  // its effects are gone once it is undone
  const subject = useRef<string>(undefined);
  subject.current = subjectOf(effects) ?? subject.current;
  const what = subject.current ?? one.about;
  const done = useRef<HTMLSpanElement>(null);
  const hasEnded = isOver || undoing === "done";
  // the button that had the focus is gone
  useEffect(() => {
    if (undoing === "done") done.current?.focus();
  }, [undoing]);
  const says = effects.map(({ says }) =>
    h("span", { key: says, class: "dim says" }, h(Text, { value: sentence(says), max: 300 })),
  );
  const nothing = h("span", { class: "dim says" }, "It changes nothing at present.");
  return h(
    "li",
    { class: "given s" },
    h(
      "div",
      null,
      h("b", null, h(Text, { value: what, max: 120 })),
      h(
        "span",
        { class: "dimmer xs" },
        ` ${OPINIONS[one.opinion]}, `,
        h(Text, { value: one.by, max: 40 }),
        `, ${moment(one.at)}, until ${moment(one.until)}`,
      ),
      one.note !== "" && h("span", { class: "dim says" }, "“", h(Text, { value: one.note, max: 200 }), "”"),
      hasEnded
        ? h("span", { class: "dim says", role: "status", tabIndex: -1, ref: done }, "Undone: it is judged as before.")
        : says.length > 0
          ? says
          : nothing,
      error !== "" && h("span", { class: "says", role: "alert" }, error),
    ),
    mayChange &&
      !hasEnded &&
      h(
        "button",
        {
          class: "btn",
          type: "button",
          disabled: undoing === "asked",
          "aria-label": `Undo: ${what.slice(0, 100)}`,
          onClick: () => void undo(),
        },
        "Undo",
      ),
  );
}

function subjectOf(effects: readonly Effect[]): string | undefined {
  const { service = "", name = "", type = "" } = effects[0]?.match ?? {};
  const of = name === "" ? type.replaceAll("_", " ") : name;
  return [service, of].filter((each) => each !== "").join(", ") || undefined;
}

/** It may begin with a name, which is left as it is. */
const sentence = (text: string) =>
  `${text.replace(/^(every|a|an) /, (word) => word.charAt(0).toUpperCase() + word.slice(1))}${/[.!?]$/.test(text) ? "" : "."}`;
