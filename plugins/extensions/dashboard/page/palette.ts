// The colours of the style sheet for what is drawn on a canvas, and when they change.

const NAMES = [
  "ink",
  "ink-2",
  "ink-3",
  "rule",
  "band",
  "accent",
  "critical",
  "warning",
  "info",
  "critical-wash",
  "warning-wash",
  "info-wash",
] as const;

export type Palette = Readonly<Record<(typeof NAMES)[number], string>> & { readonly font: string };

/** As they are at present inside of `element`. */
export function paletteOf(element: HTMLElement): Palette {
  // a custom property is not resolved before a real one uses it
  const probe = element.ownerDocument.createElement("i");
  probe.hidden = true;
  element.append(probe);
  const style = getComputedStyle(probe);
  const colours = NAMES.map((name) => {
    probe.style.color = `var(--${name})`;
    return [name, style.color] as const;
  });
  const font = `12px ${style.fontFamily}`;
  probe.remove();
  return { ...(Object.fromEntries(colours) as Record<(typeof NAMES)[number], string>), font };
}

const QUERIES = ["(prefers-color-scheme: dark)", "(prefers-contrast: more)", "(forced-colors: active)"];
const listeners = new Set<() => void>();

/** Calls when the theme is another; returns what ends that. */
export function watchTheme(listener: () => void): () => void {
  if (listeners.size === 0) listen();
  listeners.add(listener);
  return () => listeners.delete(listener);
}

let listening = false;

function listen(): void {
  if (listening) return;
  listening = true;
  const tell = () => {
    for (const listener of listeners) listener();
  };
  new MutationObserver(tell).observe(document.documentElement, { attributes: true });
  for (const query of QUERIES) matchMedia(query).addEventListener("change", tell);
}
