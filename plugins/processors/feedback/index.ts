// Applies what users said of earlier anomalies to those that come.
import {
  type Anomaly,
  defineProcessor,
  type Effect,
  EffectIndex,
  effectSubjectOf,
  extensionId,
  severityOf,
  z,
} from "vedette";

const NONE: readonly Effect[] = [];

export default defineProcessor({
  type: "feedback",
  signals: ["anomalies"],
  stability: "beta",
  summary: "Holds back what users called nothing or expect, and sharpens what they confirmed.",
  config: z.object({
    store: extensionId("anomaly_store").describe("Extension that knows what users said."),
  }),
  create({ store }, host) {
    const heldBack = host.meter.createCounter("vedette_feedback_held_back", {
      description: "Anomalies that feedback put below the line.",
    });
    const sharpened = host.meter.createCounter("vedette_feedback_sharpened", {
      description: "Anomalies whose score was raised, since the like was confirmed.",
    });
    let effects = NONE;
    let index = new EffectIndex(effects);

    /** The anomaly as it goes on; undefined when it is held back. */
    function judged(anomaly: Anomaly): Anomaly | undefined {
      if (anomaly.state === "resolved" || anomaly.incident) return anomaly;
      const effect = index.strongest(effectSubjectOf(anomaly), anomaly.score);
      if (!effect) return anomaly;
      const score = anomaly.score * effect.factor;
      if (score >= 1) {
        if (effect.factor > 1) sharpened.add(1);
        return { ...anomaly, score, severity: severityOf(score) };
      }
      heldBack.add(1, { scope: effect.scope });
      return undefined;
    }

    let missing = false;
    /** None in a replay, where no extension runs. */
    function latestEffects(): readonly Effect[] {
      try {
        return host.extension(store).anomalies!.effects;
      } catch (error) {
        if (!missing) host.log.warn("feedback cannot be asked for: all anomalies pass", { error: String(error) });
        missing = true;
        return NONE;
      }
    }

    return {
      process(anomalies) {
        const latest = latestEffects();
        if (latest !== effects) {
          effects = latest;
          index = new EffectIndex(effects);
        }
        return effects.length === 0 ? anomalies : anomalies.flatMap((anomaly) => judged(anomaly) ?? []);
      },
    };
  },
});
