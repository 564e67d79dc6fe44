// Serves the dashboard: a page about anomalies and the agent, and the API that it asks.
import { type AnomalyStore, defineExtension, type ExtensionHost, type History } from "vedette";
import { Access } from "./access.ts";
import { unavailable } from "./answer.ts";
import { handlerOf } from "./api.ts";
import { Events } from "./events.ts";
import { type Options, options } from "./options.ts";
import { PageFiles } from "./page_files.ts";
import { Prometheus } from "./prometheus.ts";
import { Samples } from "./samples.ts";
import { serverOf } from "./server.ts";
import { StatusBoard } from "./status.ts";

const SECOND = 1000;
/** Seconds between two looks at the agent's numbers while nobody looks at the page. */
const IDLE = 10;

function dashboard(options: Options, host: ExtensionHost) {
  let history: History | undefined;
  let ticking: NodeJS.Timeout | undefined;
  let ticks = 0;
  let watched: AnomalyStore | undefined;
  let unwatch = () => {};

  const store = (): AnomalyStore | undefined => {
    if (options.store !== undefined) return host.extension(options.store).anomalies;
    for (const { section, id } of host.agent.components()) {
      const anomalies = section === "extensions" && id !== host.id ? host.extension(id).anomalies : undefined;
      if (anomalies) return anomalies;
    }
    return undefined;
  };
  const samples = new Samples(host.agent, () => host.now());
  const board = new StatusBoard(host, samples, store);
  const events = new Events();
  const access = new Access(options, host);
  const files = new PageFiles(new URL("page/", import.meta.url));
  const prometheus = options.prometheus && new Prometheus(options.prometheus, host);
  const remembered = (): History => {
    if (history) return history;
    throw unavailable("the agent", "it is starting", "ask again in a moment");
  };
  const parts = { host, access, files, events, samples, board, store, prometheus, history: remembered };
  const server = serverOf(handlerOf(parts), options, host);

  /** A reload may put another store in the place of the one before. */
  function follow(): void {
    const now = store();
    if (now === watched) return;
    unwatch();
    watched = now;
    board.changed();
    unwatch =
      now?.watch((changed) => {
        board.changed();
        events.changed(changed);
      }) ?? (() => {});
  }

  async function tick(): Promise<void> {
    ticks++;
    if (events.clients === 0) {
      if (ticks % IDLE === 0) samples.latest();
      return;
    }
    try {
      follow();
      await board.count();
      events.tell(board.now(0), (caller) => access.stillHolds(caller));
    } catch (error) {
      host.log.warn("the status could not be told", { error: (error as Error).message });
      events.tell(undefined, (caller) => access.stillHolds(caller));
    }
  }

  return {
    async start(): Promise<void> {
      await prometheus?.open();
      await server.start();
    },
    ready(ready: boolean): void {
      clearInterval(ticking);
      if (!ready) return;
      // not before: a reload that fails leaves the one before in its place
      const { memory, span, trace_memory } = options.history;
      history ??= host.agent.remember({ maxMemory: memory, span, maxTraceMemory: trace_memory });
      samples.latest();
      follow();
      ticking = setInterval(() => void tick(), SECOND).unref();
    },
    async stop(): Promise<void> {
      clearInterval(ticking);
      unwatch();
      unwatch = () => {};
      events.close();
      await server.stop();
      prometheus?.close();
      history?.close();
    },
  };
}

export default defineExtension({
  type: "dashboard",
  stability: "beta",
  summary: "Serves a page about anomalies and the agent: incidents, charts, feedback, quality, pipelines.",
  config: options,
  create: dashboard,
});
