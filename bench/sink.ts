// The far end of an end-to-end run: takes OTLP over HTTP and answers at once. Prints its port.
import { createServer } from "node:http";

let requests = 0;
let bytes = 0;

const server = createServer((request, response) => {
  request.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
  });
  request.on("end", () => {
    requests++;
    response.writeHead(200, { "content-type": "application/x-protobuf", "content-length": 0 }).end();
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () => {
  process.send?.({ port: (server.address() as { port: number }).port });
});
process.on("message", (message) => {
  if (message === "count") process.send?.({ requests, bytes });
});
process.on("disconnect", () => process.exit());
