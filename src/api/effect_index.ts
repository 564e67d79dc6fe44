// Which effects of feedback fit an anomaly, in a time that does not grow with how many there are.
import type { Anomaly } from "./anomaly.ts";
import type { Effect } from "./anomaly_store.ts";
import { serviceName } from "./services.ts";

type Match = Effect["match"];

/** What an effect may ask of an anomaly. */
export interface EffectSubject extends Required<Omit<Match, "direction">> {
  /** "" where neither expectation nor bounds are stated. */
  readonly direction: "above" | "below" | "";
  /** How far it lies from what was expected, or else beyond its bounds, in the row's unit; NaN where neither is stated. */
  readonly deviation: number;
  /** The same as a multiple of how far its bound lies from what was expected; NaN where either is not stated. */
  readonly bands: number;
}

type Numbers = Pick<Anomaly, "observed" | "expected" | "lower" | "upper">;

/** Which side of its expectation, or of its bounds, an anomaly lies on; "" where none is stated. */
function directionOf({ observed, expected, lower, upper }: Numbers): EffectSubject["direction"] {
  if (observed > expected || observed > upper) return "above";
  return observed < expected || observed < lower ? "below" : "";
}

function deviationOf({ observed, expected, lower, upper }: Numbers): number {
  if (!Number.isNaN(expected)) return Math.abs(observed - expected);
  return observed > upper ? observed - upper : lower - observed;
}

export const effectSubjectOf = (anomaly: Anomaly): EffectSubject => ({
  fingerprint: anomaly.fingerprint,
  detector: anomaly.detector,
  type: anomaly.type,
  service: serviceName(anomaly.labels),
  name: anomaly.labels.name,
  direction: directionOf(anomaly),
  deviation: deviationOf(anomaly),
  bands: bandsOf(anomaly),
});

function bandsOf({ observed, expected, lower, upper }: Numbers): number {
  const band = observed > expected ? upper - expected : expected - lower;
  return band > 0 ? Math.abs(observed - expected) / band : Number.NaN;
}

const FIELDS = ["fingerprint", "detector", "type", "service", "name", "direction"] as const;
type Field = (typeof FIELDS)[number];

/** Effects that ask for the same fields, by the values that they ask for. */
interface Shape {
  readonly fields: readonly Field[];
  readonly byKey: Map<string, Effect[]>;
}

const keyOf = (fields: readonly Field[], of: Match | EffectSubject) => fields.map((field) => of[field]).join("\n");

export class EffectIndex {
  readonly #shapes: readonly Shape[];

  constructor(effects: readonly Effect[]) {
    const shapes = new Map<string, Shape>();
    for (const effect of effects) {
      const fields = FIELDS.filter((field) => effect.match[field] !== undefined);
      if (fields.length === 0) continue;
      const name = fields.join();
      let shape = shapes.get(name);
      if (!shape) {
        shape = { fields, byKey: new Map() };
        shapes.set(name, shape);
      }
      const key = keyOf(fields, effect.match);
      const alike = shape.byKey.get(key);
      if (alike) alike.push(effect);
      else shape.byKey.set(key, [effect]);
    }
    this.#shapes = [...shapes.values()];
  }

  /**
   * The effect that applies to such an anomaly with that score, if any: of those that ask for more surprise the strongest, else one that sharpens. Where
   * its fingerprint is sharpened, what is said of its kind and of look-alikes is not heeded.
   */
  strongest(subject: EffectSubject, score: number): Effect | undefined {
    let own: Effect | undefined;
    let broad: Effect | undefined;
    let sharpening: Effect | undefined;
    for (const { fields, byKey } of this.#shapes) {
      for (const effect of byKey.get(keyOf(fields, subject)) ?? []) {
        if (effect.factor > 1) sharpening = effect;
        else if (isBeyond(subject, score, effect)) continue;
        else if (effect.scope === "fingerprint") own = stronger(own, effect);
        else broad = stronger(broad, effect);
      }
    }
    return (sharpening ? own : stronger(own, broad)) ?? sharpening;
  }
}

const isBeyond = ({ deviation, bands }: EffectSubject, score: number, effect: Effect) =>
  score > effect.upTo || deviation > (effect.reach ?? ANY) || bands > (effect.bands ?? ANY);
const ANY = Number.POSITIVE_INFINITY;

const stronger = (a: Effect | undefined, b: Effect | undefined) => (!a || (b && b.factor < a.factor) ? b : a);
