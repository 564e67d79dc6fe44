// Where on the page one is: the part of the address after "#", so that every view can be linked to.
import { type ComponentChildren, h, type VNode } from "preact";
import { useEffect, useState } from "preact/hooks";

export interface Route {
  readonly view: string;
  /** What of it: an incident, a series, a component; "" for the view itself. */
  readonly id: string;
  readonly query: URLSearchParams;
}

const FIRST = "now";

/** Of "#/incidents/ID?x=1"; what cannot be read is the first view. */
export function parse(hash: string): Route {
  const [path, query = ""] = hash.replace(/^#?\/?/, "").split("?", 2);
  const slash = path.indexOf("/");
  const [view, id] = slash < 0 ? [path, ""] : [path.slice(0, slash), path.slice(slash + 1)];
  return { view: view === "" ? FIRST : view, id: decoded(id), query: new URLSearchParams(query) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function to(view: string, id = "", query: Readonly<Record<string, string>> = {}): string {
  const asked = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== "")).toString();
  return `#/${view}${id === "" ? "" : `/${encodeURIComponent(id)}`}${asked === "" ? "" : `?${asked}`}`;
}

export function go(hash: string): void {
  location.hash = hash;
}

export function useRoute(): Route {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const follow = () => setHash(location.hash);
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  return parse(hash);
}

interface LinkProps {
  readonly to: string;
  readonly class?: string;
  readonly current?: boolean | undefined;
  /** Whether j and k step to it. */
  readonly step?: boolean;
  readonly label?: string;
  readonly children?: ComponentChildren;
}

export function Link({ to, class: name, current, step, label, children }: LinkProps): VNode<any> {
  const props = { href: to, class: name, "aria-current": current ? ("page" as const) : undefined, "aria-label": label };
  return h("a", { ...props, ...(step && { "data-step": true }) }, children);
}
