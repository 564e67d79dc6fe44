// "What was this?": what each answer will change is read before it is pressed, and undone where it was pressed.
import { h, type VNode } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Effect, Opinion, Preview, Feedback as Said } from "../contract.ts";
import { ApiError, post, remove, useGet } from "./api.ts";
import { Failed } from "./facts.ts";
import { clock, counted, moment } from "./format.ts";
import { Link, to } from "./router.ts";
import { Text } from "./text.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const EXPECTED_FOR = [1, 4, 24];
const WORDS: Readonly<Record<Opinion, readonly [button: string, done: string]>> = {
  bad: ["Not a problem", "Marked as not a problem."],
  good: ["A real problem", "Confirmed as a real problem."],
  expected: ["Expected", "Marked as expected."],
};
const MOST_EFFECTS = 2;

/** What an answer would change, in sentences. */
export function previewWords(opinion: Opinion, { effects, held_back, of }: Preview): string[] {
  const says = effects.slice(0, MOST_EFFECTS).map((effect) => sentence(effect.says));
  if (effects.length > MOST_EFFECTS)
    says.push(`The same for ${counted(effects.length - MOST_EFFECTS, "more series", "more series")} of it.`);
  if (says.length === 0)
    says.push(
      opinion === "good"
        ? "Keeps everything as it is, and notes that it was right to tell."
        : "Changes nothing that is not so already.",
    );
  if (opinion !== "good" && of > 0)
    says.push(`Would have held back ${held_back} of ${counted(of, "anomaly", "anomalies")} of the last seven days.`);
  return says;
}

const sentence = (text: string) => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;

interface Answer {
  readonly feedback: Said;
  readonly effects: readonly Effect[];
}

export interface FeedbackProps {
  /** Id of the incident or episode. */
  readonly about: string;
  /** What was said of it before; the latest first. */
  readonly said: readonly Said[];
  readonly mayChange: boolean;
  /** Something changed: what shows it should ask again. */
  readonly changed: () => void;
}

export function Feedback({ about, said, mayChange, changed }: FeedbackProps): VNode<any> {
  // what was undone here may still be in what was asked before
  const [undone, setUndone] = useState<string>();
  const holding = said.find(({ id, taken_back }) => id !== undone && (taken_back ?? undefined) === undefined);
  const [answer, setAnswer] = useState<Answer>();
  const [error, setError] = useState<ApiError>();
  const [busy, setBusy] = useState(false);
  const [hours, setHours] = useState(EXPECTED_FOR[1]);
  const box = useRef<HTMLDivElement>(null);
  const moved = useRef(false);
  // the focus goes where the press has led
  useEffect(() => {
    const button = box.current?.querySelector<HTMLElement>("button:not(:disabled)");
    if (!moved.current || !button) return;
    moved.current = false;
    if (document.activeElement === document.body) button.focus();
  });

  const act = async (work: () => Promise<void>) => {
    setBusy(true);
    setError(undefined);
    try {
      await work();
      moved.current = true;
    } catch (failed) {
      setError(failed instanceof ApiError ? failed : new ApiError(0, String(failed)));
    }
    setBusy(false);
    changed();
  };
  const say = (opinion: Opinion, until: number) =>
    act(async () => {
      const end = opinion === "expected" ? { until } : {};
      setAnswer(await post<Answer>("/api/v1/feedback", { about, opinion, ...end }));
    });
  const undo = (id: string) =>
    act(async () => {
      await remove(`/api/v1/feedback/${encodeURIComponent(id)}`);
      setAnswer(undefined);
      setUndone(id);
    });

  const current = answer?.feedback ?? holding;
  return h(
    "div",
    { ref: box },
    current
      ? h(Done, { feedback: current, effects: answer?.effects, undo: () => void undo(current.id), busy, mayChange })
      : mayChange
        ? h(Question, { about, say: (opinion, until) => void say(opinion, until), busy, hours, setHours })
        : h(
            "p",
            { class: "note" },
            "This login may look at everything and change nothing: log in with the other token to say what this was.",
          ),
    error && h(Failed, { error }),
    h(
      "p",
      { class: "xs dimmer after" },
      "Every mark is listed under ",
      h(Link, { to: to("quality") }, "Quality"),
      " and can be undone at any time.",
    ),
  );
}

interface QuestionProps {
  readonly about: string;
  readonly say: (opinion: Opinion, until: number) => void;
  readonly busy: boolean;
  readonly hours: number;
  readonly setHours: (hours: number) => void;
}

function Question({ about, say, busy, hours, setHours }: QuestionProps): VNode<any> {
  // the time that was read is the one that counts
  const until = useMemo(() => Math.ceil((Date.now() + hours * HOUR) / MINUTE) * MINUTE, [hours]);
  const id = encodeURIComponent(about);
  const option = (opinion: Opinion, title: string) =>
    h(Choice, {
      key: opinion,
      opinion,
      title,
      path: `/api/v1/feedback/preview?about=${id}&opinion=${opinion}${opinion === "expected" ? `&until=${until}` : ""}`,
      say: () => say(opinion, until),
      busy,
    });
  return h(
    "div",
    null,
    h(
      "div",
      { class: "fb" },
      option("bad", WORDS.bad[0]),
      option("good", WORDS.good[0]),
      option("expected", `Expected until ${moment(until)}`),
    ),
    h(
      "label",
      { class: "xs dim after" },
      "Expected for ",
      h(
        "select",
        {
          value: String(hours),
          onChange: (event: Event) => setHours(Number((event.target as HTMLSelectElement).value)),
        },
        EXPECTED_FOR.map((each) => h("option", { key: each, value: String(each) }, counted(each, "hour"))),
      ),
    ),
  );
}

interface ChoiceProps {
  readonly opinion: Opinion;
  readonly title: string;
  readonly path: string;
  readonly say: () => void;
  readonly busy: boolean;
}

function Choice({ opinion, title, path, say, busy }: ChoiceProps): VNode<any> {
  const { data, error } = useGet<Preview>(path);
  const words = data
    ? previewWords(opinion, data)
    : [error ? `What it would change is not known: ${error.message}.` : "Asking what it would change …"];
  return h(
    "button",
    { type: "button", disabled: busy || !data, onClick: say },
    h("b", null, title),
    h(
      "span",
      null,
      words.map((each, i) => h("span", { key: i, class: "line" }, h(Text, { value: each, max: 400 }))),
    ),
  );
}

interface DoneProps {
  readonly feedback: Said;
  readonly effects: readonly Effect[] | undefined;
  readonly undo: () => void;
  readonly busy: boolean;
  readonly mayChange: boolean;
}

function Done({ feedback, effects, undo, busy, mayChange }: DoneProps): VNode<any> {
  const { opinion, by, at, until, note } = feedback;
  const says = effects
    ?.slice(0, MOST_EFFECTS)
    .map((effect, i) => h("p", { key: i, class: "dim" }, h(Text, { value: sentence(effect.says), max: 400 })));
  return h(
    "div",
    { class: "done", role: "status" },
    h(
      "p",
      null,
      h("b", null, WORDS[opinion][1]),
      ` ${clock(at)}, by `,
      h(Text, { value: by, max: 60 }),
      `; it counts until ${moment(until)}.`,
    ),
    note !== "" && h("p", { class: "dim" }, h(Text, { value: note })),
    says,
    mayChange && h("button", { class: "btn", type: "button", disabled: busy, onClick: undo }, "Undo"),
  );
}
