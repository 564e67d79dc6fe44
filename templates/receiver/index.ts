// my_plugin: OTLP metrics in protobuf, taken over HTTP at any path.
import { createServer } from "node:http";
import { defineReceiver, endpoint, type Listening, listen, z } from "vedette";
import { DecodeError } from "vedette/otlp";

const MAX_BYTES = 4 * 1024 ** 2;

export default defineReceiver({
  type: "my_plugin",
  signals: ["metrics"],
  stability: "experimental",
  summary: "Takes OTLP metrics over HTTP.",
  config: z.object({
    endpoint: endpoint().default("127.0.0.1:4390").describe("Address and port to listen on; port 0 takes a free one."),
  }),
  create({ endpoint }, host, emit) {
    let listening: Listening | undefined;
    const server = createServer({ requestTimeout: 10_000 }, async (request, response) => {
      const answer = (status: number) => void response.writeHead(status, { "content-length": 0 }).end();
      try {
        const chunks: Buffer[] = [];
        let size = 0;
        for await (const chunk of request as AsyncIterable<Buffer>) {
          size += chunk.length;
          if (size > MAX_BYTES) return answer(413);
          chunks.push(chunk);
        }
        // no pipeline wants them, or a queue is full: the sender is to try again
        const taken = await emit.metrics?.(Buffer.concat(chunks));
        answer(taken ? 200 : 503);
      } catch (error) {
        if (!(error instanceof DecodeError)) host.log.warn("a request failed", { error: String(error) });
        if (!response.headersSent) answer(error instanceof DecodeError ? 400 : 500);
      }
    });
    return {
      async start() {
        listening = await listen(server, endpoint, { option: "endpoint", owner: host.id });
        host.log.info("listening", { protocol: "http", endpoint: listening.endpoint });
      },
      async stop() {
        await listening?.close(5000);
      },
    };
  },
});
