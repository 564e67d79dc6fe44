// What the agent lends to one component.
import type { AgentView, Extension, ExtensionHost, Logger, Status } from "../api/index.ts";
import type { ComponentMeter } from "../observe/meter.ts";
import type { Board, Place } from "./board.ts";

export interface Lent {
  readonly board: Board;
  readonly log: Logger;
  readonly instruments: ComponentMeter;
  readonly agent: AgentView;
  now(): number;
  /** `coming`: asked by a component whose reports are kept back. */
  extension(id: string, coming: boolean): Extension;
}

/** A host whose reports are heard or not: those of a replaced component would be taken for its successor's. */
export interface HeldHost extends ExtensionHost {
  /** From now on reports are kept back. */
  mute(): void;
  /** Ends that; the last report that was kept back is made now. */
  unmute(): void;
  /** Its component is gone: its metrics are told no more. */
  close(): void;
  /** Calls it then. */
  onClose(task: () => void): void;
}

export function hostOf(
  place: Place,
  { board, log, instruments, agent, now, extension }: Lent,
  muted: boolean,
): HeldHost {
  const tasks = [instruments.close];
  let silent = muted;
  let kept: [status: Status, reason?: string] | undefined;
  return {
    id: place.id,
    log,
    meter: instruments.meter,
    agent,
    now,
    extension: (id) => extension(id, silent),
    calls: () => agent.calls(),
    random: seededRandom(place.id),
    report(status, reason) {
      if (silent) kept = [status, reason];
      else board.report(place, status, reason);
    },
    mute() {
      silent = true;
    },
    unmute() {
      silent = false;
      board.report(place, ...(kept ?? (["ok"] as const)));
      kept = undefined;
    },
    close() {
      for (const task of tasks.splice(0)) task();
    },
    onClose: (task) => void tasks.push(task),
  };
}

/** Uniform in [0, 1): splitmix32 from a hash of the id, so that a replay of the same component repeats. */
function seededRandom(id: string): () => number {
  let state = 0x9e3779b9;
  for (const character of id) state = Math.imul(state ^ character.charCodeAt(0), 0x85ebca6b);
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let x = state ^ (state >>> 16);
    x = Math.imul(x, 0x21f0aaad);
    x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
    return ((x ^ (x >>> 15)) >>> 0) / 4294967296;
  };
}
