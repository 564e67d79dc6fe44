// An Alertmanager's silences as feedback: what is silenced is expected, until the silence ends.
import { type Feedback, type Host, z } from "vedette";
import { HttpClient } from "vedette/http";
import type { Subject } from "./effects.ts";
import type { AlertmanagerOptions } from "./options.ts";
import { SILENCE } from "./said.ts";
import type { KeptAnomalies } from "./store.ts";

const silence = z.object({
  id: z.string().min(1).max(128),
  status: z.object({ state: z.enum(["active", "pending", "expired"]) }),
  matchers: z.array(
    z.object({ name: z.string(), value: z.string(), isRegex: z.boolean(), isEqual: z.boolean().default(true) }),
  ),
  endsAt: z.string(),
  createdBy: z.string().default(""),
  comment: z.string().default(""),
});
type Silence = z.output<typeof silence>;

const NOTHING = new Uint8Array(0);
/** Of an answer, bytes: it lists expired silences too. */
const LONGEST = 8 * 1024 ** 2;
/** Read in one answer; what is beyond is left for the next, once there are fewer. */
const MOST = 1000;
/** What a silence is taken to hold back where nothing like it is kept: a score of this size. */
const UNKNOWN_PEAK = 2;
/** What is kept is looked at so far back, milliseconds. */
const BACK = 86_400_000;
/** Labels of our alerts that say which anomalies are meant; the others of an alert are not asked for beside a fingerprint. */
const MEANT = ["detector", "type", "service", "name"] as const;

export class Silences {
  readonly #options: AlertmanagerOptions;
  readonly #store: KeptAnomalies;
  readonly #host: Host;
  readonly #client: HttpClient;
  readonly #url: URL;
  readonly #stopping = new AbortController();
  /** Silences that are not ours to learn from, so that each is told once. */
  #foreign = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();
  #trouble = "";

  constructor(options: AlertmanagerOptions, store: KeptAnomalies, host: Host) {
    this.#options = options;
    this.#store = store;
    this.#host = host;
    this.#url = new URL("api/v2/silences", options.endpoint.replace(/\/?$/, "/"));
    this.#client = new HttpClient(options, [this.#url], host);
  }

  async start(): Promise<void> {
    await this.#client.open();
    this.#plan(0);
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error("the agent is stopping"));
    clearTimeout(this.#timer);
    await this.#looking;
    this.#client.close();
  }

  #plan(wait: number): void {
    this.#timer = setTimeout(() => {
      this.#looking = this.#look().finally(() => this.#stopping.signal.aborted || this.#plan(this.#options.interval));
    }, wait).unref();
  }

  async #look(): Promise<void> {
    try {
      await this.#learn(await this.#ask());
      if (this.#trouble !== "") this.#host.report("ok");
      this.#trouble = "";
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      const why = `silences of ${this.#client.nameOf(this.#url)} cannot be read: ${(error as Error).message}`;
      if (why !== this.#trouble) this.#host.log.warn(why);
      this.#trouble = why;
      this.#host.report("recoverable_error", why);
    }
  }

  async #ask(): Promise<Silence[]> {
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(this.#options.timeout)]);
    const request = { method: "GET", body: NOTHING, contentType: "application/json", mostOfAnswer: LONGEST };
    const { status, body } = await this.#client.send(this.#url, request, signal);
    if (status !== 200) throw new Error(`it answers ${status}; is the endpoint an Alertmanager's?`);
    if (body.length === 0) throw new Error("its answer is too long to be read; remove expired silences");
    const list = z.array(z.unknown()).safeParse(JSON.parse(body.toString()));
    if (!list.success) throw new Error("its answer is no list of silences");
    return list.data.slice(0, MOST).flatMap((each) => silence.safeParse(each).data ?? []);
  }

  async #learn(silences: readonly Silence[]): Promise<void> {
    const known = new Map<string, Feedback>();
    for (const { feedback } of this.#store.book.lessons) {
      if (feedback.by.startsWith(SILENCE)) known.set(feedback.by, feedback);
    }
    const now = this.#host.now();
    for (const each of silences) {
      const by = SILENCE + each.id;
      const until = Date.parse(each.endsAt);
      const before = known.get(by);
      if (each.status.state !== "active" || !(until > now)) continue;
      known.delete(by);
      if (before?.until === until) continue;
      await this.#teach(each, by, until);
    }
    this.#foreign = new Set(silences.filter(({ id }) => this.#foreign.has(id)).map(({ id }) => id));
    // ended before its time, or no longer known there
    for (const [by, { id, until }] of known) if (until > now) await this.#store.takeBack(id, by);
  }

  async #teach(each: Silence, by: string, until: number): Promise<void> {
    if (this.#foreign.has(each.id)) return;
    const named = subjectOf(each.matchers);
    if (!named) {
      this.#foreign.add(each.id);
      const reason =
        "its matchers name no fingerprint, and others than detector, type, service and name, or no single values";
      this.#host.log.info("a silence teaches nothing", { silence: each.id, reason });
      return;
    }
    const { ask } = this.#store.book;
    const kept = named.fingerprint === undefined ? undefined : await ask("latest", named.fingerprint);
    const peak = (await ask("peak", named, Math.trunc(this.#host.now() - BACK))) ?? UNKNOWN_PEAK;
    const about = kept ?? `silence ${each.id}`;
    const note = [each.createdBy, each.comment].filter(Boolean).join(": ");
    await this.#store.teach({ about, opinion: "expected", note, by, until }, { ...named, peak });
  }
}

const KNOWN: readonly string[] = [...MEANT, "alertname"];

/** What the matchers ask of our alerts, whose `alertname` is "AnomalyErrorRate" of the type error_rate; undefined where they ask for more or other than can be taught. */
export function subjectOf(matchers: Silence["matchers"]): Omit<Subject, "peak"> | undefined {
  const exact = new Map(
    matchers.filter(({ isRegex, isEqual }) => isEqual && !isRegex).map(({ name, value }) => [name, value]),
  );
  const fingerprint = exact.get("fingerprint");
  if (fingerprint) return { fingerprint };
  const type = exact
    .get("alertname")
    ?.replace(/^Anomaly/, "")
    .replace(/(?!^)[A-Z]/g, "_$&")
    .toLowerCase();
  if (type) exact.set("type", exact.get("type") ?? type);
  const named = MEANT.filter((name) => exact.get(name));
  const known = matchers.every(({ name, isEqual, isRegex }) => isEqual && !isRegex && KNOWN.includes(name));
  if (named.length === 0 || !known) return undefined;
  return Object.fromEntries(named.map((name) => [name, exact.get(name)]));
}
