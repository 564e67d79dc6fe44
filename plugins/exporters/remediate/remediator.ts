// Decides for each anomaly which remedies are applied, one at a time, and says of each attempt what became of it.
import { type Anomaly, type Exporter, type Host, packed, serviceName } from "vedette";
import { HttpClient } from "vedette/http";
import { Approvals } from "./approvals.ts";
import { Audit, type Verdict } from "./audit.ts";
import type { Options } from "./options.ts";
import { Past } from "./past.ts";
import { filled } from "./placeholders.ts";
import { Remedy } from "./remedy.ts";
import { type Asked, askedOf } from "./saved.ts";
import { jsonOf } from "./told.ts";

/** Milliseconds between two looks for approvals. */
const LOOK = 1000;
/** Attempts that wait for approval, and those of which is remembered how they ended. */
const MOST_WAITING = 100;
const MOST_ENDED = 10_000;

/** One remedy for one anomaly, as it would be applied. */
interface Attempt {
  readonly key: string;
  readonly remedy: Remedy;
  readonly anomaly: Anomaly;
  /** Of a command. */
  readonly argv: readonly string[];
}

interface Waiting extends Attempt {
  readonly path: string;
  readonly since: number;
}

/** What waited before a restart and cannot any more. */
interface Dropped extends Asked {
  readonly outcome: "expired" | "withdrawn";
  readonly why: string;
}

export class Remediator implements Exporter<"anomalies"> {
  readonly #options: Options;
  readonly #host: Host;
  readonly #remedies: readonly Remedy[];
  readonly #past: Past;
  readonly #approvals: Approvals | undefined;
  readonly #client: HttpClient;
  readonly #audit: Audit;
  readonly #waiting = new Map<string, Waiting>();
  /** Attempts that were refused, which is said once and may change; and those denied or expired, which are not made again. */
  readonly #ended = new Map<string, "refused" | "for good">();
  #dropped: Dropped[] = [];
  #started = false;
  readonly #stopping = new AbortController();
  #last: Promise<void> = Promise.resolve();
  #looking: NodeJS.Timeout | undefined;

  constructor(options: Options, host: Host) {
    const { actions, environment, dry_run, storage, max_per_hour, approvals_directory, store } = options;
    this.#options = options;
    this.#host = host;
    this.#remedies = actions.map((action) => new Remedy(action, environment));
    this.#past = new Past(host, dry_run ? undefined : storage, max_per_hour);
    this.#approvals = approvals_directory === undefined ? undefined : new Approvals(approvals_directory);
    const urls = this.#remedies.flatMap(({ url }) => url ?? []);
    this.#client = new HttpClient(options, urls, host, { secretPath: true });
    this.#audit = new Audit(host, store);
  }

  async start(): Promise<void> {
    for (const remedy of this.#remedies) await remedy.check();
    if (!this.#options.dry_run) await this.#approvals?.open();
    await this.#client.open();
    this.#started = true;
    if (this.#waiting.size > 0 || this.#dropped.length > 0) this.#lookLater();
  }

  /** Kills what runs. */
  async stop(): Promise<void> {
    clearTimeout(this.#looking);
    this.#stopping.abort();
    await this.#last;
    this.#client.close();
    await this.#past.close();
  }

  /** Is aborted only when the agent stops: then also what was approved ends. */
  async export(changes: readonly Anomaly[], signal: AbortSignal): Promise<void> {
    const abort = () => this.#stopping.abort();
    signal.addEventListener("abort", abort, { once: true });
    for (const anomaly of changes) {
      for (const remedy of this.#remedies) {
        const key = `${remedy.action.name}\n${anomaly.id}`;
        if (anomaly.state === "resolved") await this.#inTurn(() => this.#withdraw(key));
        else if (remedy.condition.holds(anomaly)) await this.#inTurn(() => this.#consider(remedy, anomaly, key));
      }
    }
    signal.removeEventListener("abort", abort);
  }

  /** What waits for approval, and what was denied or not answered. */
  save(): Uint8Array {
    const waiting = Array.from(this.#waiting.values(), ({ remedy, anomaly, argv, since, ...attempt }): Asked => {
      return { action: remedy.action.name, anomaly, since, asks: this.#shown({ ...attempt, remedy, anomaly, argv }) };
    });
    return packed({ waiting, ended: this.#ended });
  }

  /** What was asked for is done once somebody agrees, if the configuration still says the same. */
  load(saved: Uint8Array): void {
    const { waiting, ended } = askedOf(saved);
    for (const [key, how] of ended) this.#end(key, how);
    for (const asked of waiting.slice(0, MOST_WAITING)) {
      const again = this.#waitingAgain(asked);
      if ("outcome" in again) this.#dropped.push({ ...asked, ...again });
      else this.#waiting.set(again.key, again);
    }
    if (this.#started) this.#lookLater();
  }

  /** It waits again, or says why it cannot. */
  #waitingAgain({ action, anomaly, since, asks }: Asked): Waiting | Pick<Dropped, "outcome" | "why"> {
    const changed = { outcome: "withdrawn", why: "the configuration says something else now" } as const;
    const remedy = this.#remedies.find((each) => each.action.name === action);
    if (this.#options.dry_run || remedy?.action.approval !== "required" || !this.#approvals) return changed;
    let attempt: Attempt;
    try {
      const argv = filled(remedy.action.command ?? [], anomaly);
      attempt = { key: `${action}\n${anomaly.id}`, remedy, anomaly, argv };
    } catch {
      return changed;
    }
    if (this.#shown(attempt) !== asks) return changed;
    if (this.#host.now() - since >= this.#options.approval_timeout) {
      return { outcome: "expired", why: "nobody approved or denied it in time" };
    }
    return { ...attempt, since, path: this.#approvals.path(action, anomaly.id) };
  }

  /** One after another, whether an anomaly or an approval asks for it. Never rejects. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#last = this.#last.then(work).catch((error: unknown) => {
      this.#host.log.error("a remedy could not be seen to", { error: messageOf(error) });
    });
    return this.#last;
  }

  async #consider(remedy: Remedy, anomaly: Anomaly, key: string): Promise<void> {
    const { action } = remedy;
    if (this.#ended.get(key) === "for good" || this.#waiting.has(key)) return;
    let attempt: Attempt = { key, remedy, anomaly, argv: [] };
    try {
      await this.#past.open();
      if (this.#past.has(action.name, anomaly.id)) return;
      attempt = { ...attempt, argv: filled(action.command ?? [], anomaly) };
    } catch (error) {
      this.#refuse(attempt, messageOf(error));
      return;
    }
    const age = this.#host.now() - anomaly.time;
    if (age > this.#options.max_age) {
      this.#refuse(
        attempt,
        `it is ${Math.round(age / 1000)} s old; max_age allows no more than ${this.#options.max_age / 1000}`,
      );
      return;
    }
    if (this.#isTooOften(attempt)) return;
    if (this.#options.dry_run) {
      await this.#past.remember(action.name, anomaly.id, subjectOf(anomaly), this.#host.now());
      const asked = action.approval === "required" ? "would ask for approval to " : "would ";
      this.#tell(attempt, "dry_run", asked + this.#shown(attempt));
    } else if (action.approval === "required") await this.#ask(attempt);
    else await this.#apply(attempt);
  }

  #isTooOften(attempt: Attempt): boolean {
    const { remedy, anomaly } = attempt;
    const why = this.#past.tooOften(remedy.action, subjectOf(anomaly), this.#host.now());
    if (why !== undefined) this.#refuse(attempt, why);
    return why !== undefined;
  }

  #refuse(attempt: Attempt, why: string): void {
    if (this.#ended.has(attempt.key)) return;
    this.#end(attempt.key, "refused");
    this.#tell(attempt, "refused", why);
  }

  async #apply(attempt: Attempt): Promise<void> {
    const { remedy, anomaly, argv } = attempt;
    const { signal } = this.#stopping;
    if (signal.aborted) {
      this.#refuse(attempt, "the agent is stopping");
      return;
    }
    try {
      // remembered first: rather not at all than twice
      await this.#past.remember(remedy.action.name, anomaly.id, subjectOf(anomaly), this.#host.now());
    } catch (error) {
      this.#refuse(attempt, `what is run cannot be remembered: ${messageOf(error)}`);
      return;
    }
    this.#tell(attempt, "started", this.#shown(attempt));
    const { done, how, output } = await remedy.apply(argv, anomaly, this.#client, signal);
    this.#tell(attempt, done ? "done" : "failed", output === "" ? how : `${how}\n${output}`);
  }

  async #ask(attempt: Attempt): Promise<void> {
    const { key, remedy, anomaly } = attempt;
    if (this.#waiting.size >= MOST_WAITING) {
      this.#refuse(attempt, `${MOST_WAITING} attempts wait for approval already`);
      return;
    }
    const path = this.#approvals!.path(remedy.action.name, anomaly.id);
    const asked = { asks: `to ${this.#shown(attempt)}`, for: JSON.parse(jsonOf(remedy.action.name, anomaly)) };
    try {
      await this.#approvals!.request(path, `${JSON.stringify(asked, undefined, 2)}\n`);
    } catch (error) {
      this.#refuse(attempt, `no approval can be asked for: ${messageOf(error)}`);
      return;
    }
    this.#ended.delete(key);
    this.#waiting.set(key, { ...attempt, path, since: this.#host.now() });
    this.#tell(attempt, "waiting", `asks to ${this.#shown(attempt)}; approve with: touch ${path}.approved`);
    this.#lookLater();
  }

  #lookLater(): void {
    this.#looking ??= setTimeout(async () => {
      await this.#inTurn(() => this.#look());
      this.#looking = undefined;
      if (this.#waiting.size > 0 && !this.#stopping.signal.aborted) this.#lookLater();
    }, LOOK).unref();
  }

  /** Applies what was approved, as it was asked for. */
  async #look(): Promise<void> {
    for (const { action, anomaly, outcome, why } of this.#dropped.splice(0)) {
      await this.#approvals?.clear(this.#approvals.path(action, anomaly.id));
      this.#audit.tell(action, anomaly.id, outcome, why);
    }
    for (const waiting of this.#waiting.values()) {
      const { key, path, since } = waiting;
      const answer = await this.#approvals!.answer(path);
      if (!answer && this.#host.now() - since < this.#options.approval_timeout) continue;
      if (!(await this.#dismiss(waiting))) {
        this.#host.log.warn("nothing is done: the request for approval is gone", { request: `${path}.json` });
        continue;
      }
      if (answer?.approved) {
        this.#tell(waiting, "approved", `by ${answer.by}`);
        await this.#applyApproved(waiting);
        continue;
      }
      this.#end(key, "for good");
      if (answer) this.#tell(waiting, "denied", `by ${answer.by}`);
      else this.#tell(waiting, "expired", "nobody approved or denied it in time");
    }
  }

  async #applyApproved(attempt: Attempt): Promise<void> {
    try {
      // after a restart nothing may have been read of it yet
      await this.#past.open();
    } catch (error) {
      this.#refuse(attempt, messageOf(error));
      return;
    }
    if (this.#past.has(attempt.remedy.action.name, attempt.anomaly.id) || this.#isTooOften(attempt)) return;
    await this.#apply(attempt);
  }

  async #withdraw(key: string): Promise<void> {
    this.#ended.delete(key);
    const waiting = this.#waiting.get(key);
    if (!waiting) return;
    if (await this.#dismiss(waiting)) this.#tell(waiting, "withdrawn", "it was over before anybody approved");
  }

  /** Whether its request was still there. */
  #dismiss({ key, path }: Waiting): Promise<boolean> {
    this.#waiting.delete(key);
    return this.#approvals!.take(path);
  }

  #end(key: string, how: "refused" | "for good"): void {
    this.#ended.delete(key);
    if (this.#ended.size >= MOST_ENDED) this.#ended.delete(this.#ended.keys().next().value as string);
    this.#ended.set(key, how);
  }

  #shown({ remedy, argv }: Attempt): string {
    return remedy.url ? `post to ${this.#client.nameOf(remedy.url)}` : `run ${JSON.stringify(argv)}`;
  }

  #tell({ remedy, anomaly }: Attempt, outcome: Verdict, text: string): void {
    this.#audit.tell(remedy.action.name, anomaly.id, outcome, text);
  }
}

const subjectOf = ({ labels, fingerprint }: Anomaly) => serviceName(labels) || fingerprint;
const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
