// Where it may have begun: what detectors say of each service, less what its callees, or its callers, explain.
import { type Kind, RAISES, RISES } from "./evidence.ts";

/** What one detector says of one service. */
export interface Said {
  readonly place: string;
  readonly detector: string;
  readonly kind: Kind;
  /** How surprising it is; of any unit, the same for all. */
  readonly strength: number;
}

export interface Suspect {
  readonly place: string;
  readonly blame: number;
}

/** What of a caller's evidence is taken off where a callee has as much; of its waiting, and of a callee's load, where the other has half as much. */
const RISEN = 0.5;
const WAITED = 0.9;
const LOADED = 0.9;

/**
 * Most to blame first, then by name. The strongest of each detector counts, added as cubes, so that two that agree say more than one, and ten not ten
 * times as much. `leads` tells whether calls of the first reach the second.
 */
export function blame(said: Iterable<Said>, leads: (from: string, to: string) => boolean): Suspect[] {
  const places = new Map<string, Map<string, Said>>();
  for (const each of said) {
    const own = places.get(each.place) ?? new Map<string, Said>();
    places.set(each.place, own);
    const known = own.get(each.detector);
    if (!known || known.strength < each.strength) own.set(each.detector, each);
  }
  const all = Array.from(places, ([place, own]) => {
    const of = (wanted: (kind: Kind) => boolean) =>
      norm([...own.values()].flatMap(({ kind, strength }) => (wanted(kind) ? strength : [])));
    const wait = of((kind) => kind === "wait");
    const risen = of((kind) => kind !== "wait" && RISES.has(kind));
    const load = of((kind) => kind === "load");
    const pushes = of((kind) => kind === "load" || kind === "change" || kind === "fail");
    return { place, wait, risen, load, pushes, raises: of((kind) => RAISES.has(kind)), own: of(isOwn) };
  });
  const suspects = all.map(({ place, wait, risen, load, own }) => {
    let [fromBelow, fromAbove] = [0, 0];
    for (const other of all) {
      if (other.place === place) continue;
      if (other.raises > fromBelow && leads(place, other.place)) fromBelow = other.raises;
      if (other.pushes > fromAbove && leads(other.place, place)) fromAbove = other.pushes;
    }
    const left = [
      wait - WAITED * Math.min(wait, 2 * fromBelow),
      risen - RISEN * Math.min(risen, fromBelow),
      load - LOADED * Math.min(load, 2 * fromAbove),
      own,
    ];
    return { place, blame: norm(left) };
  });
  return suspects.sort((a, b) => b.blame - a.blame || (a.place < b.place ? -1 : 1));
}

const isOwn = (kind: Kind) => kind === "resource" || kind === "change";

const norm = (values: readonly number[]) => Math.cbrt(values.reduce((sum, value) => sum + Math.max(0, value) ** 3, 0));
