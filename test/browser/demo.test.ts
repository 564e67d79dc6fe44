// The first minute of a new user: the demo is started, an incident is on the page, it is read, called nothing, and that is taken back.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import test from "node:test";
import { eventually, launch } from "../agent.ts";
import { settled, startBrowser, watchedPage, withoutChromium } from "./browser.ts";

/** Milliseconds from the start of the demo until an incident must be on the page. */
const MINUTE = 60_000;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

test("the demo shows an incident within a minute; it is read, called nothing, and that is taken back", {
  skip: withoutChromium,
  timeout: 170_000,
}, async (t) => {
  const [grpc, http, page] = await Promise.all([freePort(), freePort(), freePort()]);
  const places = {
    "receivers.otlp.protocols.grpc.endpoint": grpc,
    "receivers.otlp.protocols.http.endpoint": http,
    "extensions.dashboard.endpoint": page,
  };
  const set = Object.entries(places).flatMap(([path, port]) => ["--set", `${path}=127.0.0.1:${port}`]);
  const began = performance.now();
  // the first fault of another seed may take longer to be seen
  const demo = launch(t, ["demo", "--agent", "--seed", "7", ...set, "--set", "service.telemetry.metrics.level=none"]);
  await eventually("the address of the dashboard", () => demo.output.stdout.includes(`http://127.0.0.1:${page}`));
  const browser = await startBrowser(t);
  const { page: shown } = await watchedPage(t, browser, `http://127.0.0.1:${page}`);
  await shown.goto(`http://127.0.0.1:${page}/`);
  const incident = shown.locator("main a[href^='#/incidents/']").first();
  await incident.waitFor({ timeout: MINUTE - (performance.now() - began) });
  t.diagnostic(`an incident was on the page after ${((performance.now() - began) / 1000).toFixed(0)} s`);
  await incident.click();
  await shown.waitForURL(/#\/incidents\/./);
  await settled(shown);
  const sentence = shown.getByRole("heading", { level: 1 });
  assert.match((await sentence.textContent())!, /\w+ .*\w/);
  await shown.locator("canvas").first().waitFor();

  const bad = shown.getByRole("button", { name: /not a problem/i });
  await bad.waitFor();
  await bad.click();
  const undo = shown.getByRole("button", { name: /undo/i });
  await undo.waitFor();
  await shown.goto(`http://127.0.0.1:${page}/#/quality`);
  await shown
    .getByText(/called nothing|told again|beyond a score/i)
    .first()
    .waitFor();
  await shown.goBack();
  await undo.click();
  await bad.waitFor();
  const effects: any = await fetch(`http://127.0.0.1:${page}/api/v1/effects`).then((answer) => answer.json());
  assert.deepEqual(effects.items ?? effects, []);
  // before the demo ends, which it would miss
  await shown.close();
});
