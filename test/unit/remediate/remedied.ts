// The exporter `remediate` with real scripts, a storage and an audit that a test can look into.
import { chmodSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Anomaly, AuditRecord } from "vedette";
import { type FakeHost, fakeHost } from "vedette/testing";
import remediate from "../../../plugins/exporters/remediate/index.ts";
import { folderWith, type Scope } from "../../agent.ts";
import { anomalyOf, patience } from "../../exporting.ts";
import { MemoryStore } from "../../memory_store.ts";

export interface Remedied {
  readonly host: FakeHost;
  readonly folder: string;
  readonly storage: MemoryStore;
  readonly audit: AuditRecord[];
  /** "restart done" of each record so far. */
  readonly outcomes: string[];
  /** Hands over changes and waits until they are seen to. */
  tell(...changes: Partial<Anomaly>[]): Promise<void>;
  /** In a new process, with the same options but for these: what was only in memory is gone, unless the agent `keeps` its state. */
  restart(how?: { keeps?: boolean; options?: object }): Promise<void>;
  /** What a script has written into a file of the folder; "" where it has not. */
  wrote(name: string): string;
  readonly part: ReturnType<typeof remediate.create>;
}

/** What a script says in its folder, which is $1. */
export type Scripts = Readonly<Record<string, string>>;

/** `options` are made of the folder in which the scripts lie; live and with a storage unless they say otherwise. */
export async function remedied(scope: Scope, scripts: Scripts, options: (folder: string) => object): Promise<Remedied> {
  const files = Object.entries(scripts).map(([name, text]) => [name, `#!/bin/sh\n${text}\n`]);
  const folder = folderWith(scope, Object.fromEntries(files));
  for (const name of Object.keys(scripts)) chmodSync(join(folder, name), 0o755);
  const allow = Object.keys(scripts).map((name) => join(folder, name));
  const own = { dry_run: false, storage: "kept", store: "store", allow, ...options(folder) };
  const host = fakeHost("remediate");
  const storage = new MemoryStore();
  const audit: AuditRecord[] = [];
  host.extensions.set("kept", storage.extension);
  host.extensions.set("store", { anomalies: { audit: (record: AuditRecord) => void audit.push(record) } as never });
  const begin = async (options: object = {}, saved?: Uint8Array) => {
    const part = remediate.create(remediate.config.parse({ ...own, ...options }), host);
    if (saved) part.load!(saved);
    await part.start!();
    return part;
  };
  let part = await begin();
  scope.after(() => part.stop!());
  return {
    host,
    folder,
    storage,
    audit,
    get outcomes() {
      return audit.map(({ action, outcome }) => `${action} ${outcome}`);
    },
    tell: (...changes) => {
      const now = changes.map((each) => anomalyOf({ time: host.time, ...each }));
      return part.export(now, patience());
    },
    async restart({ keeps = false, options = {} } = {}) {
      const saved = keeps ? part.save!() : undefined;
      await part.stop!();
      part = await begin(options, saved);
    },
    wrote: (name) => (existsSync(join(folder, name)) ? readFileSync(join(folder, name), "utf8") : ""),
    get part() {
      return part;
    },
  };
}
