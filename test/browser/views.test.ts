// Every view as people reach it: with a mouse, with keys alone, on a phone, from a link, in both themes, and while the agent is away.
import assert from "node:assert/strict";
import { join } from "node:path";
import test, { before, type TestContext } from "node:test";
import type { Browser, BrowserContextOptions } from "playwright-core";
import { folderWith } from "../agent.ts";
import {
  axeFindings,
  DESKTOP,
  fileScope,
  holds,
  overflow,
  PHONE,
  settled,
  startBrowser,
  watchedPage,
  withoutChromium,
} from "./browser.ts";
import { startWorld, type World } from "./world.ts";

const options = { skip: withoutChromium };
const file = fileScope();

let browser: Browser;
let world: World;
let incident: string;
let series: string;
let views: Record<string, string>;

if (!withoutChromium) {
  before(async () => {
    browser = await startBrowser(file);
    world = await startWorld(file);
    incident = await world.outage();
    series = (await world.ask("/series?q=queue.length")).items[0].fingerprint;
    views = {
      Now: "#/now",
      Incidents: "#/incidents",
      Incident: `#/incidents/${incident}`,
      Explore: "#/explore",
      Series: `#/explore/${series}`,
      Quality: "#/quality",
      Pipelines: "#/pipelines",
      Component: "#/pipelines/ewma",
      "a view that is not there": "#/nowhere",
      "an incident that is not there": "#/incidents/0000000000000000-abc",
    };
  });
}

async function at(t: TestContext, route: string, context: BrowserContextOptions = {}) {
  const watched = await watchedPage(t, browser, world.origin, context);
  await watched.go(route);
  await watched.page.getByRole("heading", { level: 1 }).waitFor();
  return watched;
}

/** What the page is about. */
const heading = (page: Awaited<ReturnType<typeof at>>["page"]) => page.getByRole("heading", { level: 1 });

for (const colorScheme of ["light", "dark"] as const) {
  for (const [device, viewport] of Object.entries({ desktop: DESKTOP, phone: PHONE })) {
    test(
      `axe-core finds nothing in any view, ${colorScheme}, on a ${device}; none is wider than the window`,
      options,
      async (t) => {
        const { page, go, expected } = await at(t, "#/now", { colorScheme, viewport, hasTouch: device === "phone" });
        for (const [name, route] of Object.entries(views)) {
          await go(route);
          await settled(page);
          assert.deepEqual(await axeFindings(page), [], name);
          assert.deepEqual(await overflow(page), { pixels: 0, element: "" }, name);
        }
        expected(/404 \(Not Found\)/);
      },
    );
  }
}

test(
  "keys alone lead to every view, through its lists, to the search, to the other theme and to their own list",
  options,
  async (t) => {
    const { page } = await at(t, "#/now");
    for (const [keys, route] of [
      ["ge", "#/explore"],
      ["gq", "#/quality"],
      ["gp", "#/pipelines"],
      ["gn", "#/now"],
    ]) {
      for (const key of keys) await page.keyboard.press(key);
      await page.waitForURL((url) => url.hash.startsWith(route));
      await holds(page, `document.activeElement?.matches("h1")`);
    }
    await page.locator(`a[href*="${incident}"]`).first().waitFor();
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.waitForURL(/#\/incidents\//);
    await page.keyboard.press("/");
    await page.waitForURL(/#\/explore/);
    await holds(page, `document.activeElement?.matches("input")`);
    await page.keyboard.type("gq queue");
    assert.match(page.url(), /#\/explore/, "what is typed is text");
    await page.keyboard.press("Escape");
    const theme = () => page.evaluate<string>("getComputedStyle(document.documentElement).colorScheme");
    await page.evaluate("document.activeElement?.blur()");
    const before = await theme();
    await page.keyboard.press("t");
    await holds(page, `getComputedStyle(document.documentElement).colorScheme !== ${JSON.stringify(before)}`);
    await page.keyboard.press("?");
    await page.getByRole("dialog").waitFor();
    assert.deepEqual(await axeFindings(page), []);
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "hidden" });
  },
);

test("keys pressed before the agent has answered lead to the heading of the view as well", options, async (t) => {
  const { page, go } = await watchedPage(t, browser, world.origin);
  let answer: () => void = () => {};
  const pressed = new Promise<void>((resolve) => {
    answer = resolve;
  });
  await page.route("**/api/v1/session", async (route) => {
    await pressed;
    await route.continue();
  });
  await go("#/now");
  await page.getByRole("heading", { level: 1 }).waitFor({ state: "attached" });
  await page.keyboard.press("g");
  await page.keyboard.press("e");
  await page.waitForURL((url) => url.hash.startsWith("#/explore"));
  answer();
  await holds(page, `document.activeElement?.matches("h1") && document.querySelector("input[type=search]")`);
});

test(
  "a link to an incident, a series or a component shows it, also after a reload and on the way back",
  options,
  async (t) => {
    const { page, go } = await at(t, "#/now");
    for (const route of [`#/incidents/${incident}`, `#/explore/${series}`, "#/pipelines/ewma"]) {
      await go(route);
      await settled(page);
      const title = await heading(page).textContent();
      await page.reload();
      await settled(page);
      assert.equal(await heading(page).textContent(), title);
      assert.ok(page.url().endsWith(route));
    }
    await page.goBack();
    await page.waitForURL((url) => url.hash.startsWith("#/explore/"));
  },
);

test("on a phone the views are a thumb away, and what is pressed is large enough", options, async (t) => {
  const { page } = await at(t, "#/now", { viewport: PHONE, hasTouch: true, isMobile: true });
  for (const name of ["Explore", "Quality", "Pipelines", "Now"]) {
    const link = page.getByRole("navigation").getByRole("link", { name }).filter({ visible: true }).first();
    const box = (await link.boundingBox())!;
    assert.ok(box.height >= 44 && box.width >= 44, `${name} is ${box.width} x ${box.height}`);
    assert.ok(
      box.y + box.height > PHONE.height - 120 && box.y + box.height <= PHONE.height,
      `${name} is at the bottom`,
    );
    await link.tap();
    await page.waitForURL((url) => url.hash.startsWith(`#/${name.toLowerCase()}`));
  }
});

test(
  "when the agent is away the page says so, keeps what it shows, and goes on once it is back",
  options,
  async (t) => {
    const directory = join(folderWith(t), "kept");
    const first = await startWorld(t, { directory });
    const endpoint = first.origin.slice("http://".length);
    const { page, go, expected } = await watchedPage(t, browser, first.origin);
    await go("#/now");
    await page.getByText("live", { exact: true }).first().waitFor();
    await first.agent.stop();
    await page
      .getByText(/lost|reconnect|not answer/i)
      .first()
      .waitFor();
    await heading(page).waitFor();
    const second = await startWorld(t, { directory, dashboard: { endpoint } });
    await page.getByText("live", { exact: true }).first().waitFor();
    const id = await second.outage();
    await page
      .getByText(/new incident/i)
      .or(page.locator(`a[href*="${id}"]`))
      .first()
      .waitFor();
    expected(/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION_RESET|Failed to fetch/);
  },
);
