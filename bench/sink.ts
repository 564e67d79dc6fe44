// The far end of an end-to-end run: takes OTLP over HTTP and answers at once. Tells its parent its port, and how many requests it had.
import { createServer } from "node:http";

let requests = 0;

const server = createServer((request, response) => {
  request.resume();
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
  if (message === "count") process.send?.(requests);
});
process.on("disconnect", () => process.exit());
