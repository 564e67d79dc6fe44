// Tells when telemetry changes its shape: attributes and metrics that go missing or are new, types and units that change.
import { type Batch, defineFinder, duration, type Telemetry, z } from "vedette";
import { contentOf, measured } from "./content.ts";
import { Drifts, TYPES } from "./drift.ts";
import { LogRecordReader } from "./record.ts";
import { load, save } from "./saved.ts";
import { type Kind, WINDOW } from "./services.ts";
import type { Suspect } from "./shape.ts";
import { Watched } from "./watched.ts";

/** Milliseconds that the clock of a sender may be ahead; a row of later is taken for one of now. */
const AHEAD = 600_000;
/** By which the window of a service may go back. */
const LATE_WINDOWS = 5;
/** Records that are looked at in an interval, of all kinds together: with more kinds each has its turn less often. */
const MOST_LOOKS = 100;

export default defineFinder({
  type: "schema_drift",
  signals: ["metrics", "traces", "logs"],
  stability: "beta",
  summary: "Tells when attributes or metrics go missing or are new, and when types or units change.",
  finds: TYPES,
  defaults: { warmup: 0 },
  config: z.object({
    types: z
      .array(z.enum(["missing_field", "new_field", "type_change", "unit_change", "severity_mismatch"]))
      .default(["missing_field", "type_change", "unit_change", "severity_mismatch"])
      .describe("What is told. `new_field` is left out: most of what comes is no fault."),
    learning: duration().prefault("30m").describe("How long something is watched before a change of it is told."),
    adopt_after: duration()
      .prefault("1h")
      .describe("A change that lasts so long is taken for normal: the anomaly is resolved."),
    interval: duration()
      .prefault("1s")
      .describe(
        "One row of each metric, operation and kind of record is looked at so often; the others cost next to nothing.",
      ),
  }),
  create({ types, learning, adopt_after, interval, max_series }, host, detection) {
    const rules = { learning, tellsNew: types.includes("new_field") };
    const reader = new LogRecordReader();
    let drifts: Drifts | undefined;
    let dice = 1;
    const watched = new Watched(max_series, host, detection, reader, (kind) => drifts?.forget(kind));
    const driftsOf = (signal: Telemetry) => new Drifts(signal, { types, adopt_after }, detection);

    /** Uniform in [0, 1); saved, so that a restart changes nothing. */
    function chance(): number {
      dice = (Math.imul(dice, 1_664_525) + 1_013_904_223) >>> 0;
      return dice / 2 ** 32;
    }

    const suspecting =
      (time: number) =>
      (kind: Kind): Suspect =>
      (field, change, rarity) =>
        drifts!.suspect(kind, field, change, rarity, time);

    function look(batch: Batch, row: number, kind: Kind, time: number): void {
      const suspect = suspecting(time);
      if (batch.signal !== "logs") {
        kind.observe(contentOf(batch, row), time, rules, suspect(kind));
        return;
      }
      const content = reader.read(batch as Batch<"logs">, row);
      if (!content) return;
      const { service } = kind;
      const template = batch.mined?.template[row] ?? 0;
      if (template > 0) kind.rename(batch.mined!.templates, template);
      kind.observe(content, time, rules, suspect(kind));
      if (kind.settled(time, rules)) service.all.observeBeside(kind, content, suspect(service.all));
      if (reader.level > 0) service.observeSeverity(reader.level, reader.range, time, rules, suspect);
    }

    /** A metric of the service was seen; when a window is over the service learns which were. */
    function see(batch: Batch, row: number, kind: Kind, time: number): void {
      const { service } = kind;
      const window = Math.floor(time / WINDOW);
      if (!(window <= service.window) || window < service.window - LATE_WINDOWS) {
        if (service.seen.size > 0) {
          const seen = { fields: service.seen, wholeBody: true };
          service.all.observe(seen, time, rules, suspecting(time)(service.all));
        }
        service.seen.clear();
        service.window = window;
      }
      if (kind.window === service.window) return;
      kind.window = service.window;
      service.seen.set(kind.name, measured(batch.labels(row)));
    }

    return {
      process(batch) {
        const { rows, receivedAt, signal, mined } = batch;
        const { sampler } = watched;
        watched.begin(mined);
        drifts ??= driftsOf(signal);
        const { length, series, time: times } = rows;
        const statements = mined?.statement;
        const pace = signal === "logs" ? interval * Math.max(1, watched.known / MOST_LOOKS) : interval;
        for (let i = 0; i < length; i++) {
          const slot = watched.slotOf(batch, i, series[i], statements ? statements[i] : 0);
          if (slot < 0) continue;
          const t = times[i];
          const time = t > 0 && t <= receivedAt + AHEAD ? t : receivedAt;
          if (signal === "metrics") see(batch, i, watched.kindAt(slot), time);
          if (sampler.samples(slot, time, pace, chance)) look(batch, i, watched.kindAt(slot), time);
        }
        return batch;
      },
      tick(now) {
        drifts?.tick(now);
      },
      forget(_, id) {
        watched.forget(id);
      },
      save: () => save({ watched, drifts, dice }),
      load(bytes) {
        const loaded = load(bytes, driftsOf, watched.sampler);
        watched.adopt(loaded.services);
        ({ drifts, dice } = loaded);
      },
    };
  },
});
