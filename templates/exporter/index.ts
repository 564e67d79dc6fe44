// my_plugin: posts anomalies as JSON to a URL.
import { defineExporter, ExportError, z } from "vedette";

export default defineExporter({
  type: "my_plugin",
  signals: ["anomalies"],
  stability: "experimental",
  summary: "Posts anomalies as JSON to a URL.",
  // it sends: the agent adds timeout, retry_on_failure and sending_queue
  sends: true,
  config: z.object({
    endpoint: z.url({ protocol: /^https?$/ }).describe("Where to post to."),
    token: z.string().meta({ secret: true }).optional().describe("Bearer token of every request."),
  }),
  create({ endpoint, token }) {
    const headers = { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) };
    return {
      async export(anomalies, signal) {
        const body = JSON.stringify(anomalies, (_, value) => (typeof value === "bigint" ? `${value}` : value));
        // what fetch throws may pass: the agent tries again
        const response = await fetch(endpoint, { method: "POST", headers, body, signal }).catch((cause) => {
          throw new ExportError(`cannot reach the endpoint: ${cause}`, { retryable: true, cause });
        });
        await response.body?.cancel();
        if (response.ok) return;
        const retryable = response.status === 429 || response.status >= 500;
        throw new ExportError(`the endpoint answers ${response.status}`, { retryable });
      },
    };
  },
});
