// `npm run screenshots`: the pictures in the README, taken of the demo in Chromium.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Browser } from "playwright-core";
import { freePort } from "../bench/end_to_end.ts";
import { settled, startBrowser, watchedPage, withoutChromium } from "../test/browser/browser.ts";

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const IMAGES = new URL("images/", import.meta.url);
/** Of a picture, in bytes: those that come out larger are taken with fewer pixels. */
const LARGEST = 200_000;
const SCALES = [1.5, 1];
/** Milliseconds that are waited for an incident worth a picture. */
const PATIENCE = 240_000;
/** Milliseconds for which the agent is left alone then: charts grow, alerts arrive. */
const RIPE = 20_000;

interface Shot {
  readonly name: string;
  readonly route: string;
  readonly colorScheme: "light" | "dark";
  readonly viewport?: { readonly width: number; readonly height: number };
}

const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 780 };

async function take(browser: Browser, origin: string, { name, route, colorScheme, viewport = DESKTOP }: Shot) {
  for (const deviceScaleFactor of SCALES) {
    const ends: (() => unknown)[] = [];
    const scope = { after: (end: () => unknown) => void ends.push(end) };
    const { page, go } = await watchedPage(scope, browser, origin, {
      colorScheme,
      viewport,
      deviceScaleFactor,
      isMobile: viewport.width < 600,
    });
    await go(route);
    await settled(page);
    // numbers that come each second
    await sleep(2500);
    // room for a scroll bar that no picture has
    await page.evaluate("document.documentElement.style.scrollbarGutter = 'auto'");
    const picture = await page.screenshot();
    for (const end of ends) await end();
    if (picture.length > LARGEST && deviceScaleFactor > 1) continue;
    writeFileSync(new URL(`${name}.png`, IMAGES), picture);
    console.log(`docs/images/${name}.png: ${(picture.length / 1000).toFixed(0)} kB`);
    return;
  }
}

/** The open incident in which most signals are, once there is one with a trace and a log line; at last any. */
async function incidentOf(ask: (path: string) => Promise<any>): Promise<{ id: string; fingerprint: string }> {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    const { items } = await ask("/incidents?state=open&state=ongoing&limit=50").catch(() => ({ items: [] }));
    for (const { id } of items) {
      const { members, traces, templates } = await ask(`/incidents/${id}`);
      const isRich = traces.length > 0 && (templates.length > 0 || members.length > 3);
      const charted = members.find(({ signal }: any) => signal !== "logs");
      if (charted && (isRich || Date.now() > deadline)) return { id, fingerprint: charted.fingerprint };
    }
    if (Date.now() > deadline + PATIENCE) throw new Error("the demo has no incident");
    await sleep(1000);
  }
}

async function run(): Promise<void> {
  const [grpc, http, page] = [await freePort(), await freePort(), await freePort()];
  const places = {
    "receivers.otlp.protocols.grpc.endpoint": `127.0.0.1:${grpc}`,
    "receivers.otlp.protocols.http.endpoint": `127.0.0.1:${http}`,
    "extensions.dashboard.endpoint": `127.0.0.1:${page}`,
    "service.telemetry.metrics.level": "none",
  };
  const set = Object.entries(places).flatMap(([path, value]) => ["--set", `${path}=${value}`]);
  const demo = spawn(process.execPath, [MAIN, "demo", "--agent", "--seed", "7", ...set], { stdio: "inherit" });
  const ends: (() => unknown)[] = [];
  try {
    const origin = `http://127.0.0.1:${page}`;
    const ask = async (path: string) => (await fetch(`${origin}/api/v1${path}`)).json();
    const { id, fingerprint } = await incidentOf(ask);
    await sleep(RIPE);
    const browser = await startBrowser({ after: (end) => void ends.push(end) });
    mkdirSync(IMAGES, { recursive: true });
    const shots: Shot[] = [
      { name: "now", route: "#/now", colorScheme: "light" },
      { name: "incident", route: `#/incidents/${id}`, colorScheme: "dark" },
      { name: "explore", route: `#/explore/${fingerprint}`, colorScheme: "light" },
      { name: "quality", route: "#/quality", colorScheme: "light" },
      { name: "pipelines", route: "#/pipelines", colorScheme: "dark" },
      { name: "phone", route: "#/now", colorScheme: "light", viewport: PHONE },
    ];
    for (const shot of shots) await take(browser, origin, shot);
  } finally {
    for (const end of ends) await end();
    demo.kill("SIGTERM");
    if (demo.exitCode === null) await once(demo, "exit");
  }
}

if (withoutChromium) {
  console.error(withoutChromium);
  process.exitCode = 1;
} else await run();
