// What the agent knew at one moment, held in memory: the state that rehearsals begin with.
import type { Telemetry } from "../api/index.ts";
import type { Kept, Snapshot } from "../series/snapshot.ts";
import type { Store } from "../series/store.ts";

export interface Captured {
  readonly snapshots: ReadonlyMap<string, Snapshot>;
  readonly seeds: Readonly<Record<Telemetry, number>>;
}

export class Known implements Store {
  readonly bytes: number;
  readonly #captured: Captured;

  constructor(captured: Captured) {
    this.#captured = captured;
    const columns = [...captured.snapshots.values()].flatMap(({ columns }) => columns);
    this.bytes = columns.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  seed(signal: Telemetry): number {
    return this.#captured.seeds[signal];
  }

  async restore(key: string, kept: Kept): Promise<boolean> {
    const snapshot = this.#captured.snapshots.get(key);
    if (!snapshot) return false;
    kept.restore(snapshot);
    return true;
  }

  /** What is learnt while rehearsing is nobody's. */
  async saveAll(): Promise<boolean> {
    return true;
  }
}
