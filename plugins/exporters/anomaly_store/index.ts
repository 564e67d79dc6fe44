// Hands what became of anomalies to the extension that keeps them.
import { defineExporter, ExportError, extensionId, z } from "vedette";

export default defineExporter({
  type: "anomaly_store",
  summary: "Keeps episodes and incidents in an anomaly_store, for its API and for feedback.",
  stability: "beta",
  signals: ["anomalies"],
  sends: false,
  config: z.object({
    store: extensionId("anomaly_store").describe("Extension that keeps them."),
  }),
  create: ({ store }, host) => ({
    async export(changes, signal) {
      const given = Promise.withResolvers<never>();
      const giveUp = () => given.reject(new ExportError(`gave up waiting for ${store}`, { retryable: true }));
      signal.addEventListener("abort", giveUp, { once: true });
      try {
        const { anomalies } = host.extension(store);
        await Promise.race([anomalies!.keep(changes), given.promise]);
      } catch (error) {
        if (error instanceof ExportError) throw error;
        throw new ExportError(`${store}: ${(error as Error).message}`, { retryable: true, cause: error });
      } finally {
        signal.removeEventListener("abort", giveUp);
      }
    },
  }),
});
