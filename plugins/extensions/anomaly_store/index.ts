// Keeps episodes, incidents, feedback and audit records in one file, answers questions about them, and says what feedback changes.
import { defineExtension } from "vedette";
import { options } from "./options.ts";
import { serverOf } from "./server.ts";
import { Silences } from "./silences.ts";
import { KeptAnomalies } from "./store.ts";

export default defineExtension({
  type: "anomaly_store",
  stability: "beta",
  summary: "Keeps episodes, incidents, feedback and audit records, and serves an API for them.",
  offers: ["anomaly_store"],
  config: options,
  create(options, host) {
    const store = new KeptAnomalies(options, host);
    const { endpoint } = options;
    const server = endpoint === undefined ? undefined : serverOf(store.api.ask, endpoint, options, host);
    const silences = options.alertmanager && new Silences(options.alertmanager, store, host);
    return {
      anomalies: store,
      delivered: (delivery) => store.delivered(delivery),
      async start() {
        await store.open();
        try {
          await server?.start();
          await silences?.start();
        } catch (error) {
          await server?.stop();
          await store.close();
          throw error;
        }
      },
      async stop() {
        await silences?.stop();
        await server?.stop();
        await store.close();
      },
    };
  },
});
