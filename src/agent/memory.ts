// What the components of a graph remember: restored at start, handed on at a reload, saved at an interval and at the end.
import type { Logger } from "../api/index.ts";
import { type Kept, keptOf, type LiveSnapshot, type Snapshot, sizeOf, viewedSnapshot } from "../series/snapshot.ts";
import { keyOf, type Store } from "../series/store.ts";
import type { Graph, Outlet, Staged } from "./graph.ts";
import { type Made, messageOf } from "./lifecycle.ts";

type Remembering = Staged<any> | Outlet;

/** By the key under which it is kept. Connectors and exporters stand beside pipelines, none of which has their section's name. */
function rememberingIn({ processors, connectors, exporters }: Graph): ReadonlyMap<string, Remembering> {
  const all: Remembering[] = [...processors.values(), ...connectors.values(), ...exporters.values()];
  return new Map(all.map((made) => [keyOf(made.pipeline ?? made.section, made.id), made]));
}

/** The last round of saving that saved all. */
export interface SavedState {
  readonly seconds: number;
  readonly bytes: number;
  /** Unix milliseconds. */
  readonly at: number;
}

export class Memory {
  readonly #store: Store | undefined;
  readonly #now: () => number;
  #timer: NodeJS.Timeout | undefined;
  #interval: number | undefined;
  /** The round under way. Never rejects. */
  #saving: Promise<void> | undefined;
  saved: SavedState | undefined;

  /** Without a store nothing outlives the process; a reload keeps what it can all the same. */
  constructor(store: Store | undefined, now: () => number) {
    this.#store = store;
    this.#now = now;
  }

  /** Gives what `fresh` brings into the graph what was saved of it, unless `old` has it to hand on. */
  async restore(graph: Graph, fresh: readonly Made[], old?: Graph): Promise<void> {
    if (!this.#store) return;
    const before = old && rememberingIn(old);
    for (const [key, made] of rememberingIn(graph)) {
      if (!fresh.includes(made) || before?.has(key)) continue;
      const kept = this.#keptOf(made);
      if (kept) await this.#store.restore(key, kept);
    }
  }

  /** What changed goes on with what its predecessor knows, where that fits; in one tick. One that kept failing begins anew. */
  handOn(old: Graph, next: Graph): void {
    const had = rememberingIn(old);
    for (const [key, made] of rememberingIn(next)) {
      const before = had.get(key);
      if (!before || before.part === made.part || ("stage" in before && before.stage.out)) continue;
      const from = this.#keptOf(before);
      const to = this.#keptOf(made);
      if (!from || !to) continue;
      try {
        to.restore(from.live ? viewedSnapshot(from.live()) : from.takeSnapshot());
      } catch (error) {
        const reason = `what it knew ${messageOf(error)}`;
        made.host.log.warn("changed by the reload, the component learns anew", { reason });
      }
    }
  }

  /** Saves every `interval` milliseconds from now on what the graph of that moment knows. */
  saveEvery(interval: number, graph: () => Graph, log: Logger): void {
    // reloads that come more often than rounds must not keep them from coming
    if (!this.#store || interval === this.#interval) return;
    clearInterval(this.#timer);
    this.#interval = interval;
    const round = () => {
      if (this.#saving) return log.warn("state is not saved this time: the round before is not done yet");
      void this.save(graph());
    };
    this.#timer = setInterval(round, interval).unref();
  }

  /** Saves once, after a round that is under way. Never rejects: what fails is logged. */
  async save(graph: Graph): Promise<void> {
    while (this.#saving) await this.#saving;
    const store = this.#store;
    if (!store) return;
    const began = performance.now();
    let bytes = 0;
    const weighed = <S extends Snapshot | LiveSnapshot>(snapshot: S): S => {
      bytes += sizeOf(snapshot);
      return snapshot;
    };
    const components = [...rememberingIn(graph)].flatMap(([key, made]) => {
      const kept = this.#keptOf(made);
      if (!kept) return [];
      const each: Kept = {
        takeSnapshot: () => weighed(kept.takeSnapshot()),
        ...(kept.live && { live: () => weighed(kept.live!()) }),
        restore: (snapshot) => kept.restore(snapshot),
      };
      return [[key, each] as const];
    });
    const saving = store.saveAll(components);
    this.#saving = saving.then(() => {
      this.#saving = undefined;
    });
    if (await saving) this.saved = { seconds: (performance.now() - began) / 1000, bytes, at: this.#now() };
  }

  /** What every component knows at this moment, by its key. */
  capture(graph: Graph): Map<string, Snapshot> {
    const kept = [...rememberingIn(graph)].map(([key, made]) => [key, this.#keptOf(made)?.takeSnapshot()] as const);
    return new Map(kept.filter((each): each is [string, Snapshot] => each[1] !== undefined));
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #keptOf(made: Remembering): Kept | undefined {
    const kept = keptOf(made.plugin.type, made.part, this.#now);
    return kept && "findings" in made && made.findings ? made.findings.keeping(kept) : kept;
  }
}
