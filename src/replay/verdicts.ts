// What the detectors said of one request, by row of the input: of several the highest score.
import type { Anomaly, Batch, Telemetry } from "../api/index.ts";
import type { Judgement, Tap } from "../pipeline/tap.ts";
import type { ReplayedRow } from "./row.ts";

export class Verdicts implements Tap {
  #bytes: Uint8Array | undefined;
  #offsets: ArrayLike<number> = [];
  #rows: readonly ReplayedRow[] = [];
  #judgedValues = false;

  /**
   * What is judged next are these bytes; row i of the input starts at offset i, and they ascend. Verdicts are written into `rows`;
   * with `judgedValues` also what was judged, as the rate of a sum is.
   */
  expect(bytes: Uint8Array, offsets: ArrayLike<number>, rows: readonly ReplayedRow[], judgedValues = false): void {
    this.#bytes = bytes;
    this.#judgedValues = judgedValues;
    this.#offsets = offsets;
    this.#rows = rows;
  }

  judged(batch: Batch<Telemetry>, { detector, count, source, score, verdicts, typeOf }: Judgement): void {
    // what a connector made of the request is no row of the input
    if (batch.bytes !== this.#bytes) return;
    const { offset } = batch.rows;
    const own = ownValues(batch);
    let at = 0;
    for (let i = 0; i < count; i++) {
      if (Number.isNaN(score[i])) continue;
      at = this.#find(offset[source[i]], at);
      const row = this.#rows[at];
      if (!row || row.score >= score[i]) continue;
      row.score = score[i];
      row.expected = verdicts.expected[i];
      row.lower = verdicts.lower[i];
      row.upper = verdicts.upper[i];
      row.detector = detector;
      row.type = score[i] >= 1 ? typeOf(i) : "";
      if (this.#judgedValues) {
        const observed = verdicts.observed[i];
        row.value = Number.isNaN(observed) && own ? own[source[i]] : observed;
      }
    }
  }

  found(anomaly: Anomaly, batch?: Batch<Telemetry>, index = -1): void {
    if (!batch || index < 0 || batch.bytes !== this.#bytes) return;
    const row = this.#rows[this.#find(batch.rows.offset[index], 0)];
    if (!row || row.score >= anomaly.score) return;
    const { score, expected, lower, upper, detector, type } = anomaly;
    Object.assign(row, { score, expected, lower, upper, detector, type });
    if (this.#judgedValues && !Number.isNaN(anomaly.observed)) row.value = anomaly.observed;
  }

  /** The row that starts at the offset; rows are asked for in ascending order as a rule. */
  #find(offset: number, from: number): number {
    const offsets = this.#offsets;
    let at = offsets[from] <= offset ? from : 0;
    while (at < offsets.length && offsets[at] < offset) at++;
    return offsets[at] === offset ? at : offsets.length;
  }
}

function ownValues({ rows }: Batch<Telemetry>): Float64Array | undefined {
  if ("value" in rows) return rows.value;
  return "duration" in rows ? rows.duration : undefined;
}
