// What detectors said of services below their lines: what was strongest of late, less what each says of a service anyway.
import { type Suspicion, timeShape, z } from "vedette";
import type { Said } from "./blame.ts";
import { KINDS, kindOf } from "./evidence.ts";

/** Places and detectors that are remembered; the one heard of longest ago goes first. */
const MOST_REMEMBERED = 20_000;
/** Milliseconds in which the strongest is kept, and how many of those. */
const SLICE = 30_000;
const MOST_SLICES = 12;
/** Decades from which a detector fires, and milliseconds without after which that has ended. */
const FIRES = 2;
const QUIET = 300_000;
/** Milliseconds after which one that ended weighs less by a factor e. */
const MEMORY = 7 * 86_400_000;
/** Decades beyond it say no more of where something began, and decades that are worth an anomaly at its line. */
const MOST = 4;
const LINE = 5;

/** The strongest in a slice of the agent's time. */
const heard = z.object({ slice: z.number(), strength: z.number(), kind: z.enum(KINDS) });
/** What one detector says of one place: when it last fired and whether that is a habit, and how often it did and ended by then, discounted. */
const habit = z.object({
  place: z.string(),
  detector: z.string(),
  recent: z.array(heard),
  fired: timeShape,
  usual: z.boolean(),
  ended: z.number(),
});
export const savedSuspicions = z.array(habit);

type Heard = z.output<typeof heard>;
type Habit = z.output<typeof habit>;

export class Suspicions {
  /** The one heard of longest ago first. */
  readonly #habits = new Map<string, Habit>();

  /** `place` is where it happened, `now` Unix milliseconds of the agent's clock. What is part of an incident is not `usual`. */
  hear(suspicion: Suspicion, place: string, now: number, usual: boolean): void {
    const { detector, strength } = suspicion;
    const key = keyOf(place, detector);
    const known = this.#habits.get(key) ?? { place, detector, recent: [], fired: Number.NaN, usual: false, ended: 0 };
    this.#habits.delete(key);
    if (this.#habits.size >= MOST_REMEMBERED) this.#habits.delete(this.#habits.keys().next().value as string);
    this.#habits.set(key, known);
    if (strength >= FIRES) fire(known, now, usual);
    const slice = Math.floor(now / SLICE);
    const same = known.recent.find((each) => each.slice === slice);
    if (same && same.strength >= strength) return;
    const said: Heard = { slice, strength, kind: kindOf(suspicion) };
    if (same) Object.assign(same, said);
    else known.recent = [...known.recent, said].slice(-MOST_SLICES);
  }

  /** What was heard from `since` on, in the unit of scores: weaker than any anomaly. */
  since(since: number): Said[] {
    const all: Said[] = [];
    for (const { place, detector, recent, ended } of this.#habits.values()) {
      let strongest: Heard | undefined;
      for (const each of recent) {
        if ((each.slice + 1) * SLICE > since && !(strongest && strongest.strength >= each.strength)) strongest = each;
      }
      if (!strongest) continue;
      const decades = Math.min(MOST, strongest.strength) - Math.log10(1 + ended);
      if (decades > 0) all.push({ place, detector, kind: strongest.kind, strength: decades / LINE });
    }
    return all;
  }

  /** What it said of late is part of an incident, and no habit. */
  excuse({ place, detector }: Said): void {
    const known = this.#habits.get(keyOf(place, detector));
    if (known) known.usual = false;
  }

  get saved(): Habit[] {
    return [...this.#habits.values()];
  }

  restore(habits: readonly Habit[]): void {
    for (const each of habits) this.#habits.set(keyOf(each.place, each.detector), each);
  }
}

const keyOf = (place: string, detector: string) => JSON.stringify([place, detector]);

function fire(habit: Habit, now: number, usual: boolean): void {
  const quiet = now - habit.fired;
  if (!(quiet <= QUIET)) {
    if (habit.usual) habit.ended = habit.ended * Math.exp(-quiet / MEMORY) + 1;
    habit.usual = true;
  }
  habit.usual &&= usual;
  habit.fired = now;
}
