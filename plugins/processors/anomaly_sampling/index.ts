// Keeps every trace in which something was anomalous, its neighbours, and a consistent sample of the rest.
import { defineProcessor } from "vedette";
import { options } from "./options.ts";
import { type Counts, Sampler } from "./sampler.ts";

const PREFIX = "vedette_anomaly_sampling";

export default defineProcessor({
  type: "anomaly_sampling",
  signals: ["traces"],
  stability: "beta",
  summary: "Keeps every anomalous trace and its neighbours, and samples the rest.",
  config: options,
  create(config, host) {
    const sampler = new Sampler(config, Math.floor(host.random() * 2 ** 32));
    const { meter } = host;
    const spans = { unit: "{spans}" };
    const kept = meter.createCounter(`${PREFIX}_kept_spans`, { ...spans, description: "Spans that went on, by why." });
    const dropped = meter.createCounter(`${PREFIX}_dropped_spans`, { ...spans, description: "Spans dropped, by why." });
    const told = structuredClone(sampler.counts);
    meter
      .createObservableGauge(`${PREFIX}_held_bytes`, { unit: "By", description: "Memory for spans that wait." })
      .addCallback((result) => result.observe(sampler.heldBytes));
    meter
      .createObservableGauge(`${PREFIX}_percentage`, {
        unit: "%",
        description: "Share of ordinary traces that is kept.",
      })
      .addCallback((result) => result.observe(sampler.percentage));

    function tell(): void {
      const { counts } = sampler;
      for (const reason of Object.keys(counts.kept) as (keyof Counts["kept"])[]) {
        const more = counts.kept[reason] - told.kept[reason];
        if (more > 0) kept.add(more, { reason });
        told.kept[reason] = counts.kept[reason];
      }
      for (const reason of Object.keys(counts.dropped) as (keyof Counts["dropped"])[]) {
        const more = counts.dropped[reason] - told.dropped[reason];
        if (more > 0) dropped.add(more, { reason });
        told.dropped[reason] = counts.dropped[reason];
      }
    }

    return {
      process(batch) {
        sampler.process(batch);
        return batch;
      },
      found: (anomaly) => sampler.found(anomaly),
      forget: (_, series) => sampler.forget(series),
      tick(now) {
        sampler.look(now);
        tell();
      },
      get due() {
        return sampler.due;
      },
      async stop() {
        const lost = sampler.stop();
        if (lost > 0)
          host.log.warn("spans of wanted traces were not sent: no queue had room for them", { spans: lost });
        tell();
      },
    };
  },
});
