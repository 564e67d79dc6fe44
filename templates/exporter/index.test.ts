// The laws of vedette on my_plugin, and what it is for; run with: npm test
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import test from "node:test";
import type { Anomaly } from "vedette";
import { assertPlugin, fakeHost } from "vedette/testing";
import plugin from "./index.ts";

test("my_plugin keeps every law", async () => {
  await assertPlugin(plugin, { config: ({ address }) => ({ endpoint: `http://${address}` }) });
});

test("anomalies arrive as JSON, and a busy endpoint is tried again", async (t) => {
  const posted: unknown[] = [];
  const statuses = [200, 503, 400];
  const server = createServer(async (request, response) => {
    posted.push(await json(request));
    response.writeHead(statuses.shift()!).end();
  });
  t.after(() => server.close());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const exporter = plugin.create({ endpoint }, fakeHost());
  const send = () => exporter.export([{ reason: "too high" } as Anomaly], AbortSignal.timeout(5000));
  await send();
  assert.deepEqual(posted, [[{ reason: "too high" }]]);
  await assert.rejects(send(), { retryable: true });
  await assert.rejects(send(), { retryable: false });
});
