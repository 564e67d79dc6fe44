// Server-sent events: one status a second for however many pages are open, and what has changed.
import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { ChangedAnomalies } from "vedette";
import type { Caller } from "./access.ts";
import { Failure, GUARDS } from "./answer.ts";
import type { Changed } from "./contract.ts";

const MOST_CLIENTS = 64;
/** Ids that one event names. */
const MOST_IDS = 100;
/** Changes that pages which come back are told of. */
const MOST_KEPT = 200;
/** Bytes that wait for a slow page; beyond it its connection ends, and it comes back. */
const MOST_WAITING = 256 * 1024;
/** Milliseconds after which a page that lost its connection tries again. */
const RETRY = 2000;

interface Client {
  readonly response: ServerResponse;
  readonly caller: Caller;
}

const NOTHING: Changed = { incidents: [], episodes: [], more: false };

export class Events {
  readonly #clients = new Set<Client>();
  /** Ids of another process are known by it. */
  readonly #run = randomBytes(4).toString("hex");
  #last = 0;
  readonly #kept: { readonly number: number; readonly changed: Changed }[] = [];
  readonly #pending = { incidents: new Set<string>(), episodes: new Set<string>(), more: false };

  get clients(): number {
    return this.#clients.size;
  }

  /** Throws where there are too many. */
  join(request: IncomingMessage, response: ServerResponse, caller: Caller, first: object): void {
    if (this.#clients.size >= MOST_CLIENTS) {
      const error = {
        code: "unavailable",
        place: "/api/v1/events",
        cause: `${MOST_CLIENTS} pages are open already`,
        remedy: "close some",
      };
      throw new Failure(503, error, { "retry-after": "10" });
    }
    response.writeHead(200, {
      ...GUARDS,
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
      // a proxy that collects answers would hold events back
      "x-accel-buffering": "no",
    });
    const client = { response, caller };
    this.#clients.add(client);
    response.once("close", () => this.#clients.delete(client));
    response.on("error", () => {});
    request.socket.setKeepAlive(true);
    const missed = this.#since(request.headers["last-event-id"]);
    const parts = [`retry: ${RETRY}\n\n`, this.#text("status", first)];
    if (missed !== NOTHING) parts.push(this.#text("changed", missed));
    response.write(parts.join(""));
  }

  /** Remembers what changed until `tell`. */
  changed({ incidents, episodes }: ChangedAnomalies): void {
    for (const [ids, into] of [
      [incidents, this.#pending.incidents],
      [episodes, this.#pending.episodes],
    ] as const) {
      for (const id of ids) {
        if (into.size < MOST_IDS || into.has(id)) into.add(id);
        else this.#pending.more = true;
      }
    }
  }

  /** Tells all pages what has changed since the last time, and how the agent fares. `holds`: whether a page may still see it. */
  tell(status: object | undefined, holds: (caller: Caller) => boolean): void {
    const changed = this.#take();
    if (changed) {
      this.#kept.push({ number: this.#last + 1, changed });
      if (this.#kept.length > MOST_KEPT) this.#kept.shift();
    }
    const text = (changed ? this.#text("changed", changed) : "") + (status ? this.#text("status", status) : ":\n\n");
    const bytes = Buffer.from(text);
    for (const client of this.#clients) {
      const { response, caller } = client;
      if (response.writableLength > MOST_WAITING) response.destroy();
      else if (holds(caller)) response.write(bytes);
      else response.end();
    }
  }

  close(): void {
    for (const { response } of this.#clients) response.end();
  }

  #take(): Changed | undefined {
    const { incidents, episodes, more } = this.#pending;
    if (incidents.size + episodes.size === 0) return undefined;
    const changed = { incidents: [...incidents], episodes: [...episodes], more };
    incidents.clear();
    episodes.clear();
    this.#pending.more = false;
    return changed;
  }

  #text(event: string, data: object): string {
    return `id: ${this.#run}-${++this.#last}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
  }

  /** What a page has missed that names the last event it saw. */
  #since(id: string | string[] | undefined): Changed {
    if (typeof id !== "string" || id === "") return NOTHING;
    const [run, text] = id.split("-");
    const number = run === this.#run ? Number(text) : Number.NaN;
    const missed = this.#kept.filter((each) => each.number > number);
    const all = this.#kept.length < MOST_KEPT || this.#kept[0].number <= number;
    if (Number.isNaN(number) || !all) return { ...NOTHING, more: true };
    if (missed.length === 0) return NOTHING;
    const ids = (kind: "incidents" | "episodes") => [...new Set(missed.flatMap(({ changed }) => changed[kind]))];
    const [incidents, episodes] = [ids("incidents"), ids("episodes")];
    const cut = incidents.length > MOST_IDS || episodes.length > MOST_IDS || missed.some(({ changed }) => changed.more);
    return { incidents: incidents.slice(0, MOST_IDS), episodes: episodes.slice(0, MOST_IDS), more: cut };
  }
}
