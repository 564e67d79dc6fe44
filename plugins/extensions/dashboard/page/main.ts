// The page's frame: navigation, who is logged in, whether the agent is heard; inside it the view that the address names.
import { type ComponentType, h, render, type VNode } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { Session } from "../contract.ts";
import { ApiError, logOut, openSession } from "./api.ts";
import { Explore } from "./explore.ts";
import { focusHeading } from "./focus.ts";
import { IncidentView } from "./incident.ts";
import { Incidents } from "./incidents.ts";
import { Help, useKeys } from "./keys.ts";
import { connect, disconnect, useConnection, useNextTry, useStatus } from "./live.ts";
import { Login } from "./login.ts";
import { Now } from "./now.ts";
import { Pipelines } from "./pipelines.ts";
import { Quality } from "./quality.ts";
import { Link, type Route, to, useRoute } from "./router.ts";
import { applyTheme, ThemeButton } from "./theme.ts";

export interface ViewProps {
  readonly route: Route;
  readonly session: Session;
}

const VIEWS: Readonly<Record<string, ComponentType<ViewProps>>> = {
  now: Now,
  incidents: (props: ViewProps) => (props.route.id === "" ? h(Incidents, props) : h(IncidentView, props)),
  explore: Explore,
  quality: Quality,
  pipelines: Pipelines,
};
const NAVIGATION = [
  ["now", "Now"],
  ["explore", "Explore"],
  ["quality", "Quality"],
  ["pipelines", "Pipelines"],
] as const;

function Brand(): VNode<any> {
  const strokes = { fill: "none", stroke: "currentColor", "stroke-width": 2, "stroke-linecap": "round" as const };
  const mark = h(
    "svg",
    { viewBox: "0 0 22 22", width: 20, height: 20, "aria-hidden": "true", ...strokes },
    h("path", { d: "M2 18h18M4 18a7 7 0 0 1 14 0" }),
    h("circle", { cx: 11, cy: 5, r: 2.4, fill: "currentColor", stroke: "none" }),
  );
  return h("a", { class: "brand", href: to("now") }, mark, "Vedette");
}

function Bar({
  view,
  session,
  help,
  left,
}: {
  view: string;
  session: Session;
  help: () => void;
  left: () => void;
}): VNode<any> {
  const connection = useConnection();
  const shown = view === "incidents" ? "now" : view;
  const links = NAVIGATION.map(([name, title]) => h(Link, { key: name, to: to(name), current: shown === name }, title));
  return h(
    "header",
    { class: "bar" },
    h(Brand, null),
    h("nav", { class: "nav", "aria-label": "Views" }, links),
    h(
      "div",
      { class: "end" },
      h("span", { class: `live ${connection}`, role: "status" }, connection === "live" ? "live" : "no connection"),
      session.role === "reader" && h("span", { class: "tag" }, "read-only"),
      h(ThemeButton, null),
      h("button", { class: "btn quiet help-btn", type: "button", onClick: help }, "Keys"),
      session.login && h("button", { class: "btn quiet", type: "button", onClick: left }, "Log out"),
    ),
  );
}

/** Of an address that no view has. */
function Nowhere(): VNode<any> {
  return h(
    "div",
    { class: "blank" },
    h("h1", { tabIndex: -1 }, "There is nothing at this address."),
    h("p", null, h(Link, { to: to("now") }, "Go to Now")),
  );
}

function App(): VNode<any> {
  const route = useRoute();
  const status = useStatus();
  const [session, setSession] = useState<Session>();
  const [error, setError] = useState<ApiError>();
  const [keys, setKeys] = useState(false);
  const main = useRef<HTMLElement>(null);
  const help = useCallback(() => setKeys(true), []);
  useKeys(help);

  const begin = useCallback(async () => {
    try {
      const opened = await openSession();
      setSession(opened);
      setError(undefined);
      if (opened.role) connect();
      else disconnect();
    } catch (failed) {
      setError(failed instanceof ApiError ? failed : new ApiError(0, String(failed)));
      setTimeout(begin, 5000);
    }
  }, []);
  useEffect(() => void begin(), []);

  // a connection may be lost because the session has ended, as with a restart of the agent
  const nextTry = useNextTry();
  useEffect(() => {
    if (nextTry === undefined) return;
    openSession().then(
      (opened) => {
        setSession(opened);
        if (!opened.role) disconnect();
      },
      () => {},
    );
  }, [nextTry]);

  // who reads the page aloud is told of the new view, and where it begins
  const place = `${route.view}/${route.id}`;
  const shown = useRef(place);
  const isIn = Boolean(session?.role);
  useEffect(() => {
    // before the session is open there is no view to be at
    if (!main.current || shown.current === place) return undefined;
    shown.current = place;
    scrollTo(0, 0);
    return focusHeading(main.current);
  }, [place, isIn]);

  const open = status ? status.open.critical + status.open.warning + status.open.info : 0;
  useEffect(() => {
    const title = (NAVIGATION.find(([name]) => name === route.view) ?? ["", "Incidents"])[1];
    document.title = `${open > 0 ? `(${open}) ` : ""}${title} · Vedette`;
  }, [open, route.view]);

  if (error && !session) {
    const words =
      "The page tries again every 5 s. Alerts do not pass through this page: the agent may still be sending them.";
    return h(
      "main",
      { id: "main" },
      h("div", { class: "blank" }, h("h1", null, "The agent does not answer."), h("p", null, words)),
    );
  }
  if (!session) return h("main", { id: "main", "aria-busy": "true" }, h("h1", { class: "vh" }, "Asking the agent"));
  if (!session.role) return h("main", { id: "main" }, h(Login, { done: () => void begin() }));
  const View = Object.hasOwn(VIEWS, route.view) ? VIEWS[route.view] : Nowhere;
  const left = async () => {
    await logOut().catch(() => {});
    void begin();
  };
  return h(
    "div",
    null,
    h(Bar, { view: route.view, session, help, left: () => void left() }),
    h("main", { id: "main", ref: main, tabIndex: -1 }, h(View, { key: route.view, route, session })),
    h(Help, { open: keys, close: () => setKeys(false) }),
  );
}

applyTheme();
render(h(App, null), document.getElementById("app")!);
