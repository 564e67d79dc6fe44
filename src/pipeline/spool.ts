// A queue's records in a storage extension: what is written beside each, and what may go wrong with them.
import { deserialize, serialize } from "node:v8";
import type { Anomaly, Batching, ExportOf, Host, Signal, Store } from "../api/index.ts";
import type { Entry } from "./backlog.ts";
import type { Health } from "./health.ts";

/** Version of what a record and its note hold; raise it when either changes. */
const VERSION = 1;
/** Version, signal, items; then how the pipeline asked for it to be joined, if it did. */
const NOTE = /^1 (metrics|logs|traces|anomalies) (\d+)(?: (\S+) (\S+) (\S+) (items|bytes))?$/;

/** What is known of a record without reading it. */
type Kept = Pick<Entry, "signal" | "items" | "bytes" | "batching"> & { readonly key: number };

/** No method throws or rejects but `open`: faults are logged and reported. */
export class Spool {
  readonly #store: Store;
  readonly #host: Host;
  readonly #health: Health;

  private constructor(store: Store, host: Host, health: Health) {
    this.#store = store;
    this.#host = host;
    this.#health = health;
  }

  /** Rejects when the extension `id` cannot open it. */
  static async open(id: string, host: Host, health: Health): Promise<Spool> {
    const extension = host.extension(id);
    if (!extension.open) throw new Error(`the extension ${id} stores nothing; name one that does`);
    return new Spool(await extension.open(`exporter ${host.id}`), host, health);
  }

  /** What an earlier process left, oldest first. Records of another version stay where they are. */
  left(): Kept[] {
    const kept: Kept[] = [];
    let foreign = 0;
    for (const { key, size, note } of this.#store.entries()) {
      const found = NOTE.exec(note);
      if (!found) {
        foreign++;
        continue;
      }
      const [, signal, items, flush_timeout, min_size, max_size, sizer] = found;
      const batching =
        sizer === undefined
          ? undefined
          : {
              flush_timeout: Number(flush_timeout),
              min_size: Number(min_size),
              max_size: Number(max_size),
              sizer: sizer as Batching["sizer"],
            };
      kept.push({ key, bytes: size, signal: signal as Signal, items: Number(items), batching });
    }
    if (foreign > 0) {
      const remedy = "start the version that wrote them to send them, or empty the storage";
      this.#host.log.error("records in the storage are of another version and stay there", {
        records: foreign,
        remedy,
      });
    }
    return kept;
  }

  /** The key of the new record; undefined when the storage cannot take it. */
  append(data: ExportOf<Signal>, items: number, batching: Batching | undefined): number | undefined {
    try {
      const telemetry = "bytes" in data;
      const b = batching;
      const joining = b ? ` ${b.flush_timeout} ${b.min_size} ${b.max_size} ${b.sizer}` : "";
      const note = `${VERSION} ${telemetry ? data.signal : "anomalies"} ${items}${joining}`;
      return this.#store.append(telemetry ? data.bytes : serialize(data), note);
    } catch (error) {
      this.#fault("data refused: the storage cannot take it", error);
      return undefined;
    }
  }

  /** "damaged" when it never will be read, or is gone; "unreadable" when the storage fails to, now. */
  read({ key, signal, items }: Pick<Entry, "key" | "signal" | "items">): ExportOf<Signal> | "damaged" | "unreadable" {
    let bytes: Uint8Array | undefined;
    try {
      bytes = this.#store.read(key as number);
    } catch (error) {
      this.#fault("the storage cannot read a record", error);
      return "unreadable";
    }
    if (bytes === undefined) return "damaged";
    if (signal !== "anomalies") return { signal: signal as "metrics", bytes, items };
    try {
      const anomalies: unknown = deserialize(bytes);
      return Array.isArray(anomalies) && anomalies.length === items ? (anomalies as Anomaly[]) : "damaged";
    } catch {
      return "damaged";
    }
  }

  remove(keys: readonly number[]): void {
    try {
      this.#store.remove(keys);
    } catch (error) {
      this.#fault("the storage cannot forget what is done with; it may be sent again after a restart", error);
    }
  }

  /** Whether everything appended so far is as durable as the storage promises. */
  async flush(): Promise<boolean> {
    try {
      await this.#store.flush();
      this.#health.storage(undefined);
      return true;
    } catch (error) {
      this.#fault("data refused: the storage may not keep it", error);
      return false;
    }
  }

  async close(): Promise<void> {
    try {
      await this.#store.close();
    } catch (error) {
      this.#fault("the storage could not be closed", error);
    }
  }

  #fault(what: string, error: unknown): void {
    this.#host.log.error(what, { error: messageOf(error) });
    this.#health.storage(`${what}: ${messageOf(error)}`);
  }
}

/** Of whatever a plugin threw, even what cannot be made a text. */
export function messageOf(error: unknown): string {
  try {
    return error instanceof Error ? error.message : String(error);
  } catch {
    return "something that cannot be printed";
  }
}
