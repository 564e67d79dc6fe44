// The dashboard's costs: how soon the page answers with 10,000 series and 500 incidents, what it weighs, and what it takes of the agent.
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { settled, startBrowser, watchedPage, withoutChromium } from "../test/browser/browser.ts";
import { type DashboardAgent, startDashboardAgent } from "./dashboard_agent.ts";
import { median } from "./harness.ts";
import { type Answered, answered } from "./interactions.ts";
import { table } from "./markdown.ts";
import { rememberingCost } from "./remembering.ts";

const smoke = process.argv.includes("--smoke");
const SIZE = smoke ? { series: 500, points: 30, incidents: 50 } : { series: 10_000, points: 90, incidents: 500 };
const REPEATS = smoke ? 2 : 20;
/** Of the CPU: rounds with and without pages, and milliseconds of each. */
const ROUNDS = smoke ? 1 : 5;
const SLICE = smoke ? 2000 : 10_000;
/** Milliseconds after pages were opened or closed that count for neither. */
const SETTLE = smoke ? 1000 : 4000;

const p95 = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.ceil(0.95 * values.length) - 1];
const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

interface Interaction {
  readonly name: string;
  readonly answers: Answered[];
}

/** What a user does, over and over, on one page. */
async function interactions(browser: Browser, agent: DashboardAgent): Promise<Interaction[]> {
  const scope = scoped();
  const { page, go } = await watchedPage(scope, browser, agent.origin);
  const done: Interaction[] = [];
  const note = (name: string, answer: Answered) => {
    const known = done.find((each) => each.name === name);
    if (known) known.answers.push(answer);
    else done.push({ name, answers: [answer] });
  };
  const click = (selector: string) => () => page.locator(selector).filter({ visible: true }).first().click();
  try {
    for (let i = 0; i < REPEATS; i++) {
      await go("#/now");
      await page.locator(INCIDENT_LINK).first().waitFor();
      const act = async (name: string, selector: string, until: string) =>
        note(name, await answered(page, click(selector), until));
      await act("open an incident", INCIDENT_LINK, INCIDENT);
      await act("to Explore", "nav a[href='#/explore']", LISTED);
      await search(page, i % 2 === 0 ? "7" : "3", note);
      await act("open a series", SERIES_LINK, SERIES);
      await act("to Quality", "nav a[href='#/quality']", isAt("Quality"));
      await act("to Pipelines", "nav a[href='#/pipelines']", isAt("Pipelines"));
      await act("to Now", "nav a[href='#/now']", `!!document.querySelector("${INCIDENT_LINK}") && ${isAt("Now")}`);
      await act("all incidents", "main a[href='#/incidents']", INCIDENTS);
    }
  } finally {
    await scope.end();
  }
  return done;
}

const LOADED = `!document.querySelector("[aria-busy=true]") && !document.querySelector("main h1")?.textContent.startsWith("Asking")`;
const isAt = (view: string) => `document.querySelector("nav a[aria-current]")?.textContent === "${view}" && ${LOADED}`;
const SERIES_LINK = "main a[href^='#/explore/']";
const INCIDENT_LINK = "main a[href^='#/incidents/']";
const LISTED = `!!document.querySelector("${SERIES_LINK}") && ${isAt("Explore")}`;
const SERIES = `location.hash.startsWith("#/explore/") && !!document.querySelector("main canvas") && ${LOADED}`;
const INCIDENT = `!!document.querySelector("main h1 bdi") && ${LOADED}`;
const INCIDENTS = `document.querySelector("main h1")?.textContent === "Incidents" && !!document.querySelector("${INCIDENT_LINK}") && ${LOADED}`;
const found = (digit: string) =>
  `document.querySelector("${SERIES_LINK}")?.textContent.includes("operation.${digit}") && ${LOADED}`;

async function search(page: Page, digit: string, note: (name: string, answer: Answered) => void): Promise<void> {
  const field = page.locator("main input[type=search]");
  // the view keeps what was looked for
  await field.fill("");
  await page.locator(SERIES_LINK).first().waitFor();
  for (const letter of "operation.") {
    note("type a letter into the search", await answered(page, () => page.keyboard.press(letter), "true"));
  }
  const answer = await answered(page, () => page.keyboard.press(digit), found(digit));
  note("see what the search found", answer);
}

/** Kilobytes of a first visit, as they come over the wire: the page's files, and what the views ask of the API. */
async function weight(browser: Browser, origin: string): Promise<{ files: number; requests: number; asked: number }> {
  const context = await browser.newContext();
  const page = await context.newPage();
  const network = await context.newCDPSession(page);
  await network.send("Network.enable");
  const urls = new Map<string, string>();
  const bytes = { files: 0, requests: 0, asked: 0 };
  network.on("Network.responseReceived", ({ requestId, response }) => urls.set(requestId, response.url));
  network.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    if (new URL(urls.get(requestId) ?? origin).pathname.startsWith("/api/")) bytes.asked += encodedDataLength;
    else {
      bytes.files += encodedDataLength;
      bytes.requests++;
    }
  });
  for (const view of ["now", "explore", "quality", "pipelines"]) {
    await page.goto(`${origin}/#/${view}`);
    await settled(page);
  }
  await sleep(1000);
  await context.close();
  return bytes;
}

/** CPU seconds a second of the agent with and without five pages, in turns. */
async function watching(browser: Browser, agent: DashboardAgent): Promise<{ without: number[]; open: number[] }> {
  const [series] = (await agent.ask("/series?limit=1")).items;
  const views = ["now", `incidents/${agent.incidents[0]}`, `explore/${series.fingerprint}`, "quality", "pipelines"];
  const context = await browser.newContext();
  const pages = await Promise.all(views.map(() => context.newPage()));
  const spent = { without: [] as number[], open: [] as number[] };
  const slice = async () => {
    await sleep(SETTLE);
    const [cpu, began] = [agent.cpu(), performance.now()];
    await sleep(SLICE);
    return (1000 * (agent.cpu() - cpu)) / (performance.now() - began);
  };
  for (let round = 0; round < ROUNDS; round++) {
    spent.without.push(await slice());
    for (const [i, page] of pages.entries()) await page.goto(`${agent.origin}/#/${views[i]}`);
    spent.open.push(await slice());
    for (const page of pages) await page.goto("about:blank");
  }
  await context.close();
  return spent;
}

/** Runs what is to be done at its end, the last first. */
function scoped() {
  const todo: (() => unknown)[] = [];
  return {
    after: (cleanUp: () => unknown) => void todo.push(cleanUp),
    async end() {
      for (const each of todo.splice(0).reverse()) await each();
    },
  };
}

async function run(): Promise<string> {
  const remembering = rememberingCost({ smoke });
  const scope = scoped();
  try {
    const agent = await startDashboardAgent(SIZE);
    scope.after(() => agent.stop());
    const browser = await startBrowser(scope);
    const bytes = await weight(browser, agent.origin);
    const end = agent.load();
    let done: Interaction[];
    let cpu: Awaited<ReturnType<typeof watching>>;
    try {
      await sleep(SETTLE);
      done = await interactions(browser, agent);
      cpu = await watching(browser, agent);
    } finally {
      await end();
    }
    const [without, open] = [median(cpu.without), median(cpu.open)];
    const rises = cpu.open.map((each, i) => 100 * (each / cpu.without[i] - 1));
    return `# What the dashboard costs

What \`npm run bench:dashboard\` measured on ${cpus()[0].model}, Node ${process.version}, Chromium ${browser.version()} without a screen: an agent with \`ewma\` that watches ${SIZE.series.toLocaleString("en-US")} series and
keeps ${SIZE.incidents} incidents, a tenth of them open, while ${SIZE.series.toLocaleString("en-US")} points a second come in. Agent, load and browser share the machine's ${cpus().length} cores.

## How soon the page answers

From the input to the end of the frame after it, and to the end of the frame that shows what was asked for, which takes a question to the agent; each ${REPEATS} times. To be under 100 ms.

${table(
  ["interaction", "next frame, median", "p95", "shown, median", "p95"],
  done.map(({ name, answers }) => {
    const cells = (["paint", "shown"] as const).flatMap((key) => {
      const values = answers.map((each) => each[key]);
      return [median(values), p95(values)].map((value) => `${value.toFixed(0)} ms`);
    });
    return [name, ...cells];
  }),
)}

## What it weighs

All files of a first visit to every view, as they are sent: ${(bytes.files / 1000).toFixed(0)} kB in ${bytes.requests} requests; to be under 150 kB. The answers that the views asked for: ${(bytes.asked / 1000).toFixed(0)} kB.

## What it takes of the agent

Five pages open, one of each view, and none, in turns of ${SLICE / 1000} s: ${(100 * without).toFixed(2)} % of a core without them, ${(100 * open).toFixed(2)} % with them (medians): ${(100 * (open - without)).toFixed(2)} % of a core more, to be
under 5 %. Of what the agent takes at this load that is ${(100 * (open / without - 1)).toFixed(0)} % (in the turns: ${rises.map((rise) => `${rise.toFixed(0)} %`).join(", ")}).

The history for the charts is kept whether or not somebody looks: CPU a row of metrics, read, judged and forwarded, without it and what it adds, and bytes a series.

${table(
  ["detector", "without", "more", "quartiles", "bytes a series"],
  remembering.map(({ detector, without, more, quartiles, bytesPerSeries }) => [
    `\`${detector}\``,
    `${without.toFixed(0)} ns`,
    `${more.toFixed(0)} ns`,
    quartiles.map((each) => each.toFixed(0)).join(" to "),
    bytesPerSeries.toFixed(0),
  ]),
)}
`;
  } finally {
    await scope.end();
  }
}

if (withoutChromium) console.log(`nothing was measured: ${withoutChromium}`);
else {
  const text = await run();
  if (!smoke) writeFileSync(fileURLToPath(new URL("dashboard.md", import.meta.url)), text);
  console.log(text);
}
