// The floor of an end-to-end run: receives over node:http and forwards over node:http, and does nothing else.
import { Agent, createServer, request } from "node:http";

const [port, sink] = process.argv.slice(2).map(Number);
const agent = new Agent({ keepAlive: true, maxSockets: 16 });
const type = { "content-type": "application/x-protobuf" };

createServer((incoming, answer) => {
  const body = Buffer.allocUnsafe(Number(incoming.headers["content-length"]));
  let length = 0;
  incoming.on("data", (chunk: Buffer) => {
    length += chunk.copy(body, length);
  });
  incoming.on("end", () => {
    const headers = { ...type, "content-length": length };
    const outgoing = request(
      { agent, host: "127.0.0.1", port: sink, method: "POST", path: "/v1/metrics", headers },
      (back) => back.resume(),
    );
    outgoing.end(body);
    answer.writeHead(200, { ...type, "content-length": 0 }).end();
  });
}).listen(port, "127.0.0.1", () => process.stderr.write("is running\n"));

process.on("SIGTERM", () => process.exit());
