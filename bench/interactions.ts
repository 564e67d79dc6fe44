// How long a page takes to answer: from an input of the user to the painted frame after it, and to the frame that shows what was asked for.
import type { Page } from "playwright-core";

export interface Answered {
  /** Milliseconds from the input to the end of the frame after it. */
  readonly paint: number;
  /** Milliseconds from the input to the end of the frame that shows what `until` asks for. */
  readonly shown: number;
}

/** In the page: notes when an input came and when the frame after it was painted. */
const WATCH = `(() => {
  const watch = (globalThis.__watch = { input: 0, paint: 0 });
  // of what is said in a frame, this is told when that frame is painted
  watch.painted = (then) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => then(performance.now());
    port2.postMessage(0);
  };
  for (const type of ["keydown", "click"]) {
    addEventListener(type, (event) => {
      if (watch.input > 0) return;
      watch.input = event.timeStamp;
      requestAnimationFrame(() => watch.painted((now) => (watch.paint = now - watch.input)));
    }, true);
  }
})()`;

/** Does it, and resolves once `until`, an expression, holds in the page. The times are the page's own. */
export async function answered(page: Page, act: () => Promise<void>, until: string): Promise<Answered> {
  await page.evaluate(`globalThis.__watch ? void 0 : ${WATCH}`);
  await page.evaluate("__watch.input = __watch.paint = 0");
  const shown = page.evaluate<number>(`new Promise((resolve, reject) => {
    const began = performance.now();
    const look = () => {
      if (__watch.input > 0 && (${until})) __watch.painted((now) => resolve(now - __watch.input));
      else if (performance.now() - began > 20000) reject(new Error("input " + __watch.input + ", never shown at " + location.href + ": " + document.querySelector("main")?.innerText.slice(0, 300)));
      else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  })`);
  await act();
  const after = await shown;
  return { paint: await page.evaluate<number>("__watch.paint"), shown: after };
}
