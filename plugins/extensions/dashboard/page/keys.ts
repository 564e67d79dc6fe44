// The keyboard: letters that lead to views, through lists and to the search, and the list of them.
import { h, type VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { go, to } from "./router.ts";
import { toggleTheme } from "./theme.ts";

/** Milliseconds within which the second letter follows "g". */
const CHORD = 1500;
const VIEWS: Readonly<Record<string, string>> = { n: "now", e: "explore", q: "quality", p: "pipelines" };

const KEYS: readonly (readonly [keys: readonly string[], does: string])[] = [
  [["g", "n"], "Now"],
  [["g", "e"], "Explore"],
  [["g", "q"], "Quality"],
  [["g", "p"], "Pipelines"],
  [["j"], "next in the list"],
  [["k"], "the one before"],
  [["/"], "search series"],
  [["t"], "light or dark"],
  [["←", "→"], "read a chart, value by value"],
  [["?"], "this list"],
];

/** Letters typed into a field are text. */
const isTyping = (target: EventTarget | null) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

/** Whether another part of the page has the keyboard. */
const isTaken = () => document.querySelector("dialog[open]") !== null;

function step(by: number): void {
  const all = [...document.querySelectorAll<HTMLElement>("main [data-step]")];
  const at = all.indexOf(document.activeElement as HTMLElement);
  const next = all[Math.max(0, Math.min(all.length - 1, at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by))];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

function search(): void {
  const field = () => document.querySelector<HTMLInputElement>("main input[type=search]");
  if (field()) field()!.focus();
  else {
    go(to("explore"));
    setTimeout(() => field()?.focus(), 100);
  }
}

export function useKeys(help: () => void): void {
  useEffect(() => {
    let chord = 0;
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || isTaken()) return;
      const view = Date.now() - chord < CHORD ? VIEWS[event.key] : undefined;
      chord = event.key === "g" ? Date.now() : 0;
      const does: Readonly<Record<string, () => void>> = {
        j: () => step(1),
        k: () => step(-1),
        "/": search,
        t: () => void toggleTheme(),
        "?": help,
      };
      const act = view ? () => go(to(view)) : does[event.key];
      if (!act) return;
      event.preventDefault();
      act();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [help]);
}

export function Help({ open, close }: { open: boolean; close: () => void }): VNode<any> {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);
  const rows = KEYS.map(([keys, does]) =>
    h(
      "tr",
      { key: does },
      h(
        "td",
        null,
        keys.map((key) => h("kbd", { key }, key)),
      ),
      h("td", null, does),
    ),
  );
  return h(
    "dialog",
    { ref: dialog, "aria-labelledby": "keys", onClose: close },
    h("h2", { id: "keys" }, "Keys"),
    h("table", null, h("tbody", null, rows)),
    h("button", { class: "btn", type: "button", onClick: close }, "Close"),
  );
}
