// Light or dark: the system's until one says otherwise, then that, kept in this browser.
import { h, type VNode } from "preact";
import { useState } from "preact/hooks";

type Theme = "light" | "dark";
const KEPT = "vedette.theme";

const system = (): Theme => (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");

function kept(): Theme | undefined {
  try {
    const value = localStorage.getItem(KEPT);
    return value === "light" || value === "dark" ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Called before anything is drawn. */
export function applyTheme(theme = kept()): void {
  if (theme) document.documentElement.dataset["theme"] = theme;
}

export function toggleTheme(): Theme {
  const shown = (document.documentElement.dataset["theme"] as Theme | undefined) ?? system();
  const next = shown === "dark" ? "light" : "dark";
  applyTheme(next);
  try {
    localStorage.setItem(KEPT, next);
  } catch {
    // a browser that keeps nothing forgets it
  }
  dispatchEvent(new Event("themechange"));
  return next;
}

export function ThemeButton(): VNode<any> {
  const [theme, setTheme] = useState<Theme>(kept() ?? system());
  const other = theme === "dark" ? "Light" : "Dark";
  return h("button", { class: "btn quiet", type: "button", onClick: () => setTheme(toggleTheme()) }, other);
}
