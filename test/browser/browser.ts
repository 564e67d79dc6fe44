// A real browser for tests, in which nothing may go wrong unseen: errors, dialogs, broken policies and requests of other hosts fail the test.
import assert from "node:assert/strict";
import { accessSync, constants } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, join } from "node:path";
import { after } from "node:test";
import type { AxeResults } from "axe-core";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import type { Scope } from "../agent.ts";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
/** Milliseconds that anything on a page may take before the test fails and says what it waited for. */
const PATIENCE = 15_000;

export const DESKTOP = { width: 1280, height: 800 } as const;
export const PHONE = { width: 390, height: 844 } as const;

/** The program; undefined where there is none. */
export const chromiumPath: string | undefined = ["/usr/bin", ...(process.env["PATH"] ?? "").split(delimiter)]
  .flatMap((folder) => ["chromium", "chromium-browser", "google-chrome"].map((name) => join(folder, name)))
  .find(isProgram);

/** Why tests in it are skipped; false where there is one. */
export const withoutChromium: string | false =
  chromiumPath === undefined
    ? "no chromium in /usr/bin or on PATH; apt-get install -y --no-install-recommends chromium"
    : false;

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** That of a whole test file, also for what `before` starts: the last that was started ends first. */
export function fileScope(): Scope {
  const ends: (() => unknown)[] = [];
  after(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });
  return { after: (end) => void ends.push(end) };
}

/** Ends with the scope. */
export async function startBrowser(scope: Scope): Promise<Browser> {
  const browser = await chromium.launch({ executablePath: chromiumPath as string, args: FLAGS });
  scope.after(() => browser.close());
  return browser;
}

export interface Watched {
  readonly page: Page;
  /** Goes to a route: "#/now". */
  go(route: string): Promise<void>;
  /** What went wrong so far, in words. */
  readonly wrong: readonly string[];
  /** Takes what went wrong and fits out: the test has caused it. */
  expected(fits: RegExp): void;
}

/** A page of its own at `origin`, "http://127.0.0.1:4320"; at the end of the test nothing may have gone wrong in it. */
export async function watchedPage(
  scope: Scope,
  browser: Browser,
  origin: string,
  options: BrowserContextOptions = {},
): Promise<Watched> {
  const context = await browser.newContext({ viewport: DESKTOP, reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  let wrong: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type()))
      wrong.push(`console: ${message.text()} (${message.location().url})`);
  });
  page.on("pageerror", (error) => wrong.push(`${error.name}: ${error.message}\n${error.stack}`));
  page.on("dialog", (dialog) => {
    wrong.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  context.on("request", (request) => {
    const { protocol, origin: asked } = new URL(request.url());
    if (protocol !== "data:" && asked !== new URL(origin).origin)
      wrong.push(`request of another host: ${request.url()}`);
  });
  scope.after(async () => {
    await context.close();
    assert.deepEqual(wrong, [], "what went wrong in the browser");
  });
  return {
    page,
    go: async (route) => void (await page.goto(`${origin}/${route}`)),
    get wrong() {
      return wrong;
    },
    expected(fits) {
      wrong = wrong.filter((each) => !fits.test(each));
    },
  };
}

const axe: { source: string } = createRequire(import.meta.url)("axe-core");

/** What axe-core finds on the page as it is, a line each: WCAG 2.2 A and AA, and best practice. */
export async function axeFindings(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const { violations } = await page.evaluate<AxeResults>(
    `axe.run(document, { preload: false, runOnly: ${JSON.stringify(tags)} })`,
  );
  return violations.flatMap(({ id, impact, nodes }) =>
    nodes.map(
      ({ target, failureSummary }) =>
        `${impact} ${id} at ${target.join(" ")}: ${failureSummary?.replaceAll(/\s+/g, " ")}`,
    ),
  );
}

/** Pixels by which the page is wider than its window, and which element reaches farthest. */
export function overflow(page: Page): Promise<{ pixels: number; element: string }> {
  return page.evaluate(`(() => {
    const width = document.documentElement.clientWidth;
    const pixels = Math.max(0, document.documentElement.scrollWidth - width);
    let farthest = document.body;
    for (const each of document.querySelectorAll("body *")) {
      if (each.getBoundingClientRect().right > farthest.getBoundingClientRect().right) farthest = each;
    }
    const { tagName, className } = farthest;
    return { pixels, element: pixels > 0 ? tagName + "." + (className.baseVal ?? className) : "" };
  })()`);
}

/** Resolves once an expression holds in the page, whose policy keeps Playwright from waiting for one by itself. */
export async function holds(page: Page, expression: string): Promise<void> {
  const deadline = performance.now() + PATIENCE;
  while (!(await page.evaluate<boolean>(`Boolean(${expression})`))) {
    assert.ok(performance.now() < deadline, `waited in vain for ${expression} at ${page.url()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Resolves once the view has its heading and nothing is loading. */
export async function settled(page: Page): Promise<void> {
  await page.getByRole("heading", { level: 1 }).waitFor();
  await holds(page, `!document.querySelector("[aria-busy=true]")`);
}
