// `vedette feedback`: tells a running agent what an episode or incident was, and takes it back.
import { parseDuration } from "../api/index.ts";
import { type Arguments, type Command, EXIT, print, printJson, UsageError } from "./command.ts";

const ENDPOINT = "http://127.0.0.1:4320";
const OPINIONS = ["good", "bad", "expected"];
/** Milliseconds for an answer. */
const PATIENCE = 10_000;

interface Given {
  readonly id: string;
  readonly about: string;
  readonly opinion: string;
  readonly note: string;
  readonly by: string;
  readonly until: number;
  readonly taken_back?: number | null;
}

interface Effect {
  readonly feedback: readonly string[];
  readonly says: string;
}

export const feedback: Command = {
  synopsis: "ID good|bad|expected [--until WHEN] [--note TEXT] | ID --undo | --list",
  summary: "tell a running agent what an episode or incident was",
  details: `ID is that of an episode or incident, as alerts and the API name it. "bad": it was nothing; "good": it was worth telling; "expected": it is planned
until a time. What that changes is told at once. --undo takes it back; ID may then be the feedback's own. The agent needs the extension anomaly_store, and dashboard or an endpoint of its own.`,
  options: ["endpoint", "header", "note", "until", "undo", "list", "format"],
  formats: ["text", "json"],
  words: 2,
  async run(args) {
    const [id, opinion] = args.words;
    const api = new Api(args);
    try {
      if (args.list) return await list(args, api);
      if (id === undefined) throw new UsageError("the ID of an episode or incident is missing");
      if (args.undo) return await undo(args, api, id);
      if (!OPINIONS.includes(opinion)) throw new UsageError(`say what it was: ${OPINIONS.join(", ")}`);
      return await teach(args, api, id, opinion);
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error;
      process.stderr.write(`${error.message}\n`);
      return EXIT.bad;
    }
  },
};

async function teach(args: Arguments, api: Api, about: string, opinion: string): Promise<number> {
  if (args.words.length > 1 && args.until === undefined && opinion === "expected") {
    throw new UsageError("--until is missing: until when it is expected, as 2h or 2026-11-24T06:00:00Z");
  }
  const until = args.until === undefined ? undefined : untilOf(args.until);
  const said = { about, opinion, by: "command", ...(args.note !== undefined && { note: args.note }), until };
  const taught = await api.ask<{ feedback: Given; effects: readonly Effect[] }>("POST", "/feedback", said);
  if (args.format === "json") return printJson(taught);
  const { feedback, effects } = taught;
  const undo = `To take it back: vedette feedback ${feedback.id} --undo\n`;
  return print(`${line(feedback)}\n${sentences(effects)}${undo}`);
}

async function undo(args: Arguments, api: Api, id: string): Promise<number> {
  if (args.words.length > 1) throw new UsageError("--undo takes an ID alone");
  const ids = /^f\d+$/.test(id) ? [id] : (await held(api)).filter(({ about }) => about === id).map((each) => each.id);
  if (ids.length === 0) throw new Unanswered(`nothing that holds was said of ${id}; see vedette feedback --list`);
  for (const each of ids) await api.ask("DELETE", `/feedback/${each}`);
  if (args.format === "json") return printJson({ taken_back: ids });
  return print(`taken back: ${ids.join(", ")}\n`);
}

async function list(args: Arguments, api: Api): Promise<number> {
  if (args.words.length > 0) throw new UsageError("--list takes no ID");
  const feedback = await held(api);
  const effects = await api.all<Effect>("/effects");
  if (args.format === "json") return printJson({ feedback, effects });
  if (feedback.length === 0) return print("no feedback holds\n");
  const lines = feedback.map((each) => `${line(each)}${each.note && `: ${each.note}`} (${each.by})\n`);
  return print(`${lines.join("")}\n${sentences(effects)}`);
}

/** The feedback that counts now, the latest first. */
async function held(api: Api): Promise<Given[]> {
  const now = Date.now();
  const all = await api.all<Given>("/feedback");
  return all.filter(({ taken_back, until }) => taken_back === null && until > now);
}

const day = (time: number) => new Date(time).toISOString().slice(0, 16).replace("T", " ");
const line = ({ id, opinion, about, until }: Given) => `${id}: ${about} is ${opinion}, until ${day(until)} UTC`;
const sentences = (effects: readonly Effect[]) => effects.map(({ says }) => `- ${says}\n`).join("");

/** Unix milliseconds of a time, or of a duration from now. */
function untilOf(text: string): number {
  const duration = parseDuration(text);
  const time = duration === undefined ? Date.parse(text) : Date.now() + duration;
  if (Number.isFinite(time)) return Math.trunc(time);
  throw new UsageError(`--until ${JSON.stringify(text)} is no time; write 2h, 3d or 2026-11-24T06:00:00Z`);
}

/** The agent cannot be asked, or does not do it: words for the user. */
class Unanswered extends Error {}

class Api {
  readonly #base: string;
  readonly #headers: Readonly<Record<string, string>>;

  constructor({ endpoint = ENDPOINT, header }: Arguments) {
    const url = /^https?:\/\//.test(endpoint) ? endpoint : `http://${endpoint}`;
    if (!URL.canParse(url))
      throw new UsageError(`--endpoint ${JSON.stringify(endpoint)} is no address; write 127.0.0.1:4320`);
    this.#base = url.replace(/\/$/, "");
    this.#headers = Object.fromEntries(header.map(headerOf));
  }

  async all<T>(path: string): Promise<T[]> {
    const items: T[] = [];
    for (let cursor = ""; ; ) {
      const page = await this.ask<{ items: T[]; next: string | null }>("GET", `${path}?limit=500${cursor}`);
      items.push(...page.items);
      if (page.next === null) return items;
      cursor = `&cursor=${page.next}`;
    }
  }

  async ask<T>(method: string, path: string, body?: object): Promise<T> {
    const url = `${this.#base}/api/v1${path}`;
    let status: number;
    let text: string;
    try {
      const headers = { ...this.#headers, ...(body && { "content-type": "application/json" }) };
      const sent = {
        method,
        headers,
        signal: AbortSignal.timeout(PATIENCE),
        ...(body && { body: JSON.stringify(body) }),
      };
      const answer = await fetch(url, sent);
      status = answer.status;
      text = await answer.text();
    } catch (error) {
      const { cause, message } = error as Error & { cause?: { code?: string } };
      const remedy =
        "does an agent with the extensions dashboard and anomaly_store run there? If elsewhere, give --endpoint";
      throw new Unanswered(`cannot ask ${this.#base} (${cause?.code ?? message}): ${remedy}`);
    }
    try {
      const json = text === "" ? undefined : JSON.parse(text);
      if (status < 300) return json;
      const { place, cause, remedy } = json.error as Record<string, string>;
      throw new Unanswered(`${place}: ${cause}; ${remedy}`);
    } catch (error) {
      if (error instanceof Unanswered) throw error;
      throw new Unanswered(`${this.#base} answered ${status}, not as an agent does; is the endpoint right?`);
    }
  }
}

function headerOf(text: string): [string, string] {
  const [, name, value] = /^([^:\s]+):\s*(.*)$/.exec(text) ?? [];
  if (name === undefined) throw new UsageError('--header is written as "authorization: Bearer TOKEN"');
  return [name, value];
}
