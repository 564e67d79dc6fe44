// What the agent pays for the charts of the dashboard: CPU a row with and without remembering, in turns, and bytes a series.
import auto from "../plugins/processors/auto/index.ts";
import ewma from "../plugins/processors/ewma/index.ts";
import { Remembering } from "../src/history/index.ts";
import { wired } from "../test/wired.ts";
import { median } from "./harness.ts";
import { metricRequests } from "./payloads.ts";

export interface RememberingCost {
  readonly detector: string;
  /** CPU nanoseconds a row: read, looked up, judged and forwarded. */
  readonly without: number;
  /** The median of what the rounds took more, and its quartiles. */
  readonly more: number;
  readonly quartiles: readonly [number, number];
  readonly bytesPerSeries: number;
}

/** Data points before anything is measured: no series is new, and its finest points have been joined. */
const WARM_UP = 230;
/** Data points of each series that one round hands to one and to the other. */
const ROUND = 5;
const HISTORY = { maxMemory: 64 * 2 ** 20, span: 6 * 3_600_000, maxTraceMemory: 2 ** 20 };

export function rememberingCost({ smoke }: { smoke: boolean }): RememberingCost[] {
  const series = smoke ? 200 : 1000;
  const points = WARM_UP + ROUND * (smoke ? 4 : 30);
  const requests = Array.from(
    { length: points },
    (_, round) => metricRequests(series, Math.min(1000, series), round)[0],
  );
  return [ewma, auto].map((plugin) => {
    const remembering = new Remembering(() => {});
    const history = remembering.begin(HISTORY);
    const empty = history.byteLength;
    const plain = wired(plugin as never, {}, { limit: 2 * series });
    const remembered = wired(plugin as never, {}, { limit: 2 * series, tap: remembering.tap("metrics") });
    const spent = ({ emit, sent }: typeof plain, from: number, until: number) => {
      const copies = requests.slice(from, until).map((each) => Buffer.from(each));
      const began = process.cpuUsage();
      for (const bytes of copies) emit(bytes as never);
      const { user, system } = process.cpuUsage(began);
      sent.length = 0;
      return ((user + system) * 1000) / (copies.length * series);
    };
    spent(plain, 0, WARM_UP);
    spent(remembered, 0, WARM_UP);
    const without: number[] = [];
    const more: number[] = [];
    for (let from = WARM_UP, turn = 0; from < points; from += ROUND, turn++) {
      const order = turn % 2 === 0 ? [plain, remembered] : [remembered, plain];
      const cost = order.map((each) => spent(each, from, from + ROUND));
      const [off, on] = turn % 2 === 0 ? cost : cost.toReversed();
      without.push(off);
      more.push(on - off);
    }
    const kept = history.series().length;
    const bytesPerSeries = (history.byteLength - empty) / kept;
    history.close();
    const sorted = more.toSorted((a, b) => a - b);
    const quartiles = [sorted[sorted.length >> 2], sorted[(3 * sorted.length) >> 2]] as const;
    return { detector: plugin.type, without: median(without), more: median(more), quartiles, bytesPerSeries };
  });
}
