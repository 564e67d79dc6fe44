// Who may see and change what through the dashboard, as browsers and pages of other sites try it.
import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import test, { before } from "node:test";
import type { Browser, Page } from "playwright-core";
import { fileScope, startBrowser, watchedPage, withoutChromium } from "./browser.ts";
import { startWorld, type World } from "./world.ts";

const TOKEN = "operators-know-this-token";
const READ_ONLY = "readers-know-this-token";
const options = { skip: withoutChromium };
const file = fileScope();

let browser: Browser;
let open: World;
let guarded: World;
let incident: string;

if (!withoutChromium) {
  before(async () => {
    browser = await startBrowser(file);
    [open, guarded] = await Promise.all([
      startWorld(file),
      startWorld(file, { dashboard: { token: TOKEN, read_only_token: READ_ONLY } }),
    ]);
    incident = await open.outage();
  });
}

/** The status of a request that the page sends; "refused" where the browser lets nothing of the answer through. */
const fetched = (page: Page, url: string, init: object = {}) =>
  page.evaluate<string>(
    `fetch(${JSON.stringify(url)}, ${JSON.stringify(init)}).then(({ status }) => String(status), () => "refused")`,
  );

const logIn = async (page: Page, token: string) => {
  await page.getByLabel(/token/i).fill(token);
  await page.getByRole("button", { name: /log in/i }).click();
};

test("everything comes with a policy that runs nothing inline and asks no other host", options, async (t) => {
  const { page } = await watchedPage(t, browser, open.origin);
  const answer = await page.goto(`${open.origin}/`);
  const headers = answer!.headers();
  const policy = headers["content-security-policy"];
  for (const rule of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"]) {
    assert.ok(policy.includes(rule), `${policy} has ${rule}`);
  }
  assert.doesNotMatch(policy, /unsafe/);
  assert.equal(headers["x-content-type-options"], "nosniff");
});

test("a change without the token of the page is refused, whoever sends it", options, async (t) => {
  const { page, go, expected } = await watchedPage(t, browser, open.origin);
  await go("#/now");
  await page.getByRole("heading", { level: 1 }).waitFor();
  const feedback = { about: incident, opinion: "bad" };
  const body = JSON.stringify(feedback);
  const json = { "content-type": "application/json" };
  assert.equal(await fetched(page, "/api/v1/feedback", { method: "POST", headers: json, body }), "403");
  const wrong = { ...json, "x-csrf-token": "A".repeat(43) };
  assert.equal(await fetched(page, "/api/v1/feedback", { method: "POST", headers: wrong, body }), "403");
  expected(/403 \(Forbidden\)/);

  const other = http.createServer((_, response) =>
    response.setHeader("content-type", "text/html").end("<h1>other</h1>"),
  );
  other.listen(0, "127.0.0.1");
  await once(other, "listening");
  t.after(() => other.close());
  const stranger = await browser.newPage();
  t.after(() => stranger.close());
  await stranger.goto(`http://127.0.0.1:${(other.address() as AddressInfo).port}/`);
  const url = `${open.origin}/api/v1/feedback`;
  assert.equal(await fetched(stranger, url, { method: "POST", headers: json, body }), "refused");
  await fetched(stranger, url, { method: "POST", mode: "no-cors", headers: { "content-type": "text/plain" }, body });
  assert.equal(await fetched(stranger, `${open.origin}/api/v1/status`), "refused");
  assert.deepEqual((await open.ask(`/incidents/${incident}`)).feedback, []);
});

test(
  "without a token one sees nothing; with a wrong one the page says so; the right one lets in, and out again",
  options,
  async (t) => {
    const { page, go, expected } = await watchedPage(t, browser, guarded.origin);
    await go("#/quality");
    await page.getByLabel(/token/i).waitFor();
    assert.equal(await fetched(page, "/api/v1/status"), "401");
    await logIn(page, "not-this-token-at-all");
    await page.getByText(/wrong/i).waitFor();
    await logIn(page, TOKEN);
    await page.getByRole("link", { name: "Quality" }).first().waitFor();
    assert.match(page.url(), /#\/quality$/, "it shows what was asked for");
    const [cookie] = await page.context().cookies();
    assert.deepEqual([cookie.httpOnly, cookie.sameSite], [true, "Strict"]);
    await page.reload();
    await page.getByRole("link", { name: "Quality" }).first().waitFor();
    await page.getByRole("button", { name: /log out/i }).click();
    await page.getByLabel(/token/i).waitFor();
    assert.equal(await fetched(page, "/api/v1/status"), "401");
    expected(/401 \(Unauthorized\)/);
  },
);

test("a reader sees everything and can press nothing that changes something", options, async (t) => {
  const id = await guarded.outage();
  const { page, go, expected } = await watchedPage(t, browser, guarded.origin);
  await go(`#/incidents/${id}`);
  await logIn(page, READ_ONLY);
  await page.getByRole("heading", { level: 1 }).waitFor();
  await page
    .getByText(/may (only )?look|read-only/i)
    .first()
    .waitFor();
  for (const button of await page.getByRole("button", { name: /not a problem|real problem|expected/i }).all()) {
    assert.ok(await button.isDisabled(), `${await button.textContent()} can be pressed`);
  }
  const { csrf } = await page.evaluate<{ csrf: string }>("fetch('/api/v1/session').then((answer) => answer.json())");
  const headers = { "content-type": "application/json", "x-csrf-token": csrf };
  const body = JSON.stringify({ about: id, opinion: "bad" });
  assert.equal(await fetched(page, "/api/v1/feedback", { method: "POST", headers, body }), "403");
  expected(/40[13] \((Unauthorized|Forbidden)\)/);
});
