// Telemetry that tries to be more than text: markup, scripts, a megabyte, letters that run from right to left. It is shown as text, cut, and nothing runs.
import assert from "node:assert/strict";
import test from "node:test";
import { overflow, PHONE, settled, startBrowser, watchedPage, withoutChromium } from "./browser.ts";
import { startWorld } from "./world.ts";

const MEGABYTE = "x".repeat(2 ** 20);
/** Of what comes thousands of times. */
const LONG = "y".repeat(5000);
const HOSTILE = {
  service: `<img src=x onerror=alert(1)>"'&\u202Etxt.exe`,
  metric: `</script><script>alert(2)</script>{{7*7}} javascript:alert(3)`,
  operation: `GET <svg/onload=alert(4)> ${LONG}`,
  line: `<iframe src="https://evil.example/"></iframe> שלום عليكم ${MEGABYTE}`,
};
/** Characters that a view may hold, whatever it was sent. */
const MOST = 200_000;

test("hostile names, log lines and values are shown as text, cut, and nothing runs", {
  skip: withoutChromium,
}, async (t) => {
  const browser = await startBrowser(t);
  const world = await startWorld(t);
  const incident = await world.outage(HOSTILE);
  const { items } = await world.ask("/series?limit=100");
  assert.ok(items.length >= 2);
  const routes = ["now", "incidents", `incidents/${incident}`, "explore", "quality", "pipelines", "pipelines/ewma"];
  for (const { fingerprint } of items) routes.push(`explore/${fingerprint}`);
  const strange = [
    "explore/%3Cimg%20src=x%20onerror=alert(5)%3E",
    "incidents/<svg onload=alert(6)>",
    "explore?q=<b>x</b>",
  ];
  for (const viewport of [PHONE, { width: 1280, height: 800 }]) {
    const { page, go, expected } = await watchedPage(t, browser, world.origin, { viewport });
    for (const route of [...routes, ...strange]) {
      await go(`#/${route}`);
      await settled(page);
      const made = await page.evaluate<number>(
        `document.querySelectorAll("#app img, #app script, #app iframe, #app [onload], #app [onerror], #app a[href^='javascript']").length`,
      );
      assert.equal(made, 0, `${route} made elements of telemetry`);
      const length = await page.evaluate<number>("document.documentElement.outerHTML.length");
      assert.ok(length < MOST, `${route} holds ${length} characters`);
      assert.deepEqual(await overflow(page), { pixels: 0, element: "" }, `${route} at ${viewport.width}`);
    }
    await go(`#/incidents/${incident}`);
    await page.getByText("<img src=x onerror=alert(1)>").first().waitFor();
    await page.getByText("<iframe src=").first().waitFor();
    expected(/40[04] \((Bad Request|Not Found)\)/);
  }
});
