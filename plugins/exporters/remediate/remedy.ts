// One remedy and how it is applied: a command is run, or a webhook asked.
import { access, constants, stat } from "node:fs/promises";
import { type Anomaly, type Condition, parseCondition } from "vedette";
import type { HttpClient } from "vedette/http";
import { type Outcome, runCommand } from "./child.ts";
import type { Action, Options } from "./options.ts";
import { environmentOf, jsonOf } from "./told.ts";

const WORLD_WRITABLE = 0o002;
/** Bytes that are kept of what a webhook answers. */
const MOST_ANSWER = 4096;

export class Remedy {
  readonly action: Action;
  readonly condition: Condition;
  readonly url: URL | undefined;
  readonly #environment: Options["environment"];

  constructor(action: Action, environment: Options["environment"]) {
    this.action = action;
    this.condition = parseCondition(action.condition);
    this.url = action.webhook === undefined ? undefined : new URL(action.webhook);
    this.#environment = environment;
  }

  /** Rejects when its command cannot be run, or could be changed by everyone. */
  async check(): Promise<void> {
    const [path] = this.action.command ?? [];
    if (path === undefined) return;
    try {
      await access(path, constants.X_OK);
    } catch (error) {
      throw new Error(`${path} cannot be run: ${(error as Error).message}`);
    }
    const found = await stat(path);
    if (!found.isFile()) throw new Error(`${path} cannot be run: it is no file`);
    if ((found.mode & WORLD_WRITABLE) === 0) return;
    throw new Error(`${path} must not be run: everyone may change it; chmod o-w it`);
  }

  /** Once, whatever comes of it; never rejects. `argv` are the command's arguments, filled. */
  apply(argv: readonly string[], anomaly: Anomaly, client: HttpClient, ending: AbortSignal): Promise<Outcome> {
    const { name, timeout } = this.action;
    const told = jsonOf(name, anomaly);
    if (this.url) return this.#post(this.url, told, `${name}/${anomaly.id}`, client, ending);
    return runCommand({ argv, stdin: told, env: environmentOf(name, anomaly, this.#environment), timeout }, ending);
  }

  async #post(url: URL, told: string, key: string, client: HttpClient, ending: AbortSignal): Promise<Outcome> {
    const { timeout } = this.action;
    const late = AbortSignal.timeout(timeout);
    const request = {
      contentType: "application/json",
      body: Buffer.from(told),
      headers: { "idempotency-key": encodeURIComponent(key).slice(0, 200) },
    };
    try {
      const { status, body } = await client.send(url, request, AbortSignal.any([late, ending]));
      return {
        done: status >= 200 && status <= 299,
        how: `HTTP status ${status}`,
        output: body.toString("utf8", 0, MOST_ANSWER),
      };
    } catch (error) {
      const why = late.aborted ? `no answer within ${timeout / 1000} s` : (error as Error).message;
      return { done: false, how: `${why}; it may have been done all the same`, output: "" };
    }
  }
}
