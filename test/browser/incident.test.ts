// One incident read, judged and judged anew; and hundreds of them.
import assert from "node:assert/strict";
import { join } from "node:path";
import test, { before } from "node:test";
import type { Browser } from "playwright-core";
import { folderWith } from "../agent.ts";
import { fileScope, settled, startBrowser, watchedPage, withoutChromium } from "./browser.ts";
import { keepIncidents } from "./many.ts";
import { startWorld, type World } from "./world.ts";

const options = { skip: withoutChromium };
const file = fileScope();
let browser: Browser;
let world: World;
let incident: string;

if (!withoutChromium) {
  before(async () => {
    browser = await startBrowser(file);
    world = await startWorld(file);
    incident = await world.outage();
  });
}

test("an incident shows what happened: a sentence, a chart with a table, a trace, a log line", options, async (t) => {
  const { page, go } = await watchedPage(t, browser, world.origin);
  await go("#/now");
  await page
    .getByRole("link", { name: /payments/ })
    .first()
    .click();
  await page.waitForURL((url) => url.hash.includes(incident));
  await settled(page);
  assert.match((await page.getByRole("heading", { level: 1 }).textContent())!, /payments/);
  await page.locator("canvas").first().waitFor();
  await page.getByText("Show as a table").first().click();
  await page.getByRole("table").first().getByRole("row").nth(3).waitFor();
  await page.getByText("POST /charge").first().waitFor();
  await page.getByText("GET /pay").first().waitFor();
  await page.getByText("connection to the bank lost").first().waitFor();
});

test("a chart is read value by value with the keyboard", options, async (t) => {
  const { page, go } = await watchedPage(t, browser, world.origin);
  await go(`#/incidents/${incident}`);
  const chart = page.getByRole("group", { name: /arrow keys read values/i }).first();
  await chart.focus();
  const said = page.locator("figure [aria-live=polite]").first();
  await page.keyboard.press("End");
  const last = await said.textContent();
  assert.match(last!, /\d/);
  await page.keyboard.press("ArrowLeft");
  assert.notEqual(await said.textContent(), last);
  await page.keyboard.press("Escape");
  assert.equal(await said.textContent(), "");
});

test(
  "what a button will change is read before it is pressed, listed after, and gone once it is undone",
  options,
  async (t) => {
    const { page, go } = await watchedPage(t, browser, world.origin);
    await go(`#/incidents/${incident}`);
    const button = page.getByRole("button", { name: /not a problem/i });
    await button
      .getByText(/score of/)
      .first()
      .waitFor();
    assert.deepEqual((await world.ask("/effects")).items, []);
    await button.click();
    await page.getByRole("button", { name: /undo/i }).first().waitFor();
    await go("#/quality");
    await page
      .getByText(/called nothing/)
      .first()
      .waitFor();
    assert.notDeepEqual((await world.ask("/effects")).items, []);
    await page
      .getByRole("button", { name: /undo|take back/i })
      .first()
      .click();
    await page
      .getByText(/called nothing/)
      .first()
      .waitFor({ state: "detached" });
    assert.deepEqual((await world.ask("/effects")).items, []);
    await go(`#/incidents/${incident}`);
    await button.waitFor();
  },
);

test("hundreds of incidents are paged through, and the view of now stays one that can be read", options, async (t) => {
  const directory = join(folderWith(t), "kept");
  await keepIncidents(directory, 300);
  const { origin } = await startWorld(t, { directory });
  const { page, go } = await watchedPage(t, browser, origin);
  await go("#/now");
  await page.locator("main a[href^='#/incidents/']").first().waitFor();
  assert.ok((await page.locator("main a[href^='#/incidents/']").count()) < 120);
  await go("#/incidents");
  const cards = page.locator("main ol > li");
  await cards.first().waitFor();
  const first = await cards.count();
  await page.getByRole("button", { name: /earlier/i }).click();
  await cards.nth(first).waitFor();
  // before the agent ends, which it would miss
  await page.close();
});
