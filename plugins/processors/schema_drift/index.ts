// Tells when telemetry changes its shape: attributes and metrics that go missing or are new, types and units that change.
import { type Batch, defineFinder, duration, type Labels, type Telemetry, type Templates, z } from "vedette";
import { Drifts, TYPES } from "./drift.ts";
import { load, save } from "./saved.ts";
import { Kind, keyOf, LONGEST_NAME, measured, Service, WINDOW } from "./services.ts";
import type { Field } from "./shape.ts";

/** Milliseconds that the clock of a sender may be ahead; a row of later is taken for one of now. */
const AHEAD = 600_000;
/** By which the window of a service may go back. */
const LATE_WINDOWS = 5;
/** Of all services together. */
const MOST_KINDS = 20_000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

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
    const services = new Map<string, Service>();
    /** By id of a series; null: not watched. */
    const kinds: (Kind | null | undefined)[] = [];
    /** Of records whose templates are mined: by id of a series, by number of the template. */
    const statements: (Map<number, Kind | null> | undefined)[] = [];
    let templates: Templates | undefined;
    let drifts: Drifts | undefined;
    let known = 0;
    let full = false;
    let swept = Number.NEGATIVE_INFINITY;
    let dice = 1;

    /** Uniform in [0, 1); saved, so that a restart changes nothing. */
    function chance(): number {
      dice = (Math.imul(dice, 1_664_525) + 1_013_904_223) >>> 0;
      return dice / 2 ** 32;
    }

    function decide(batch: Batch, row: number, template = 0): Kind | null {
      const labels = batch.labels(row);
      // a histogram is several series, of which its count is always there
      if (batch.signal === "metrics" && labels.statistic !== "" && labels.statistic !== "rate") return null;
      if (!detection.allows(labels)) return null;
      const { "service.namespace": namespace, "service.name": name } = labels.resource;
      const key = text([namespace, name]);
      let service = services.get(key);
      if (!service) {
        service = new Service(named(labels));
        services.set(key, service);
      }
      const kindName = labels.name.slice(0, LONGEST_NAME);
      const detail = template > 0 ? templates!.id(template) : labels.kind;
      // a template that comes with another severity is the same
      const kindKey = keyOf(kindName, detail, template > 0);
      let kind = service.kinds.get(kindKey);
      if (!kind) {
        if (known >= Math.min(max_series, MOST_KINDS)) sweep(batch.receivedAt);
        if (known >= Math.min(max_series, MOST_KINDS)) {
          if (!full)
            host.log.warn("too many metrics, operations or kinds of record: new ones are not watched; narrow match");
          full = true;
          return null;
        }
        kind = new Kind(service, kindName, detail ?? "", labels.template?.slice(0, LONGEST_NAME));
        service.kinds.set(kindKey, kind);
        known++;
      }
      kind.series++;
      return kind;
    }

    /** Templates that were not written for a day make room; not more often than once an hour. */
    function sweep(now: number): void {
      if (now - swept < HOUR) return;
      swept = now;
      for (const own of statements) {
        for (const [template, kind] of own ?? []) {
          if (kind && now - kind.last < DAY) continue;
          own!.delete(template);
          release(kind);
        }
      }
    }

    /** The kind of a record by its template. */
    function statement(batch: Batch, row: number, template: number): Kind | null {
      const id = batch.rows.series[row];
      let own = statements[id];
      if (!own) {
        own = new Map();
        statements[id] = own;
      }
      let kind = own.get(template);
      if (kind === undefined) {
        kind = decide(batch, row, template);
        own.set(template, kind);
      }
      return kind;
    }

    function release(kind: Kind | null | undefined): void {
      if (!kind || --kind.series > 0) return;
      const { service } = kind;
      drifts?.forget(kind);
      service.kinds.delete(keyOf(kind.name, kind.detail || undefined, kind.template !== ""));
      known--;
      if (service.kinds.size > 0) return;
      drifts?.forget(service.all);
      services.delete(text([service.resource["service.namespace"], service.resource["service.name"]]));
    }

    function look(batch: Batch, row: number, kind: Kind, time: number): void {
      const content = kind.contentOf(batch, row);
      kind.observe(content, time, learning, (field, change, rarity) => {
        drifts!.suspect(kind, field, change, rarity, time);
      });
    }

    /** A metric of the service was seen; when a window is over the service learns which were. */
    function see(batch: Batch, row: number, kind: Kind, time: number): void {
      const { service } = kind;
      const window = Math.floor(time / WINDOW);
      if (!(window <= service.window) || window < service.window - LATE_WINDOWS) {
        if (service.seen.size > 0) {
          service.all.observe(service.seen, time, learning, (field: Field, change, rarity) => {
            drifts!.suspect(service.all, field, change, rarity, time);
          });
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
        if (mined && mined.templates !== templates) {
          templates = mined.templates;
          for (const own of statements) for (const kind of own?.values() ?? []) if (kind) kind.series--;
          statements.length = 0;
        }
        drifts ??= new Drifts(signal, { types, adopt_after }, detection);
        for (let i = 0; i < rows.length; i++) {
          const id = rows.series[i];
          const template = mined?.template[i] ?? 0;
          let kind = template > 0 ? statement(batch, i, template) : kinds[id];
          if (kind === undefined) {
            kind = decide(batch, i);
            kinds[id] = kind;
          }
          if (kind === null) continue;
          const t = rows.time[i];
          const time = t > 0 && t <= receivedAt + AHEAD ? t : receivedAt;
          if (signal === "metrics") see(batch, i, kind, time);
          if (kind.samples(time, interval, chance)) look(batch, i, kind, time);
        }
        return batch;
      },
      tick(now) {
        drifts?.tick(now);
      },
      forget(_, id) {
        release(kinds[id]);
        kinds[id] = undefined;
        for (const kind of statements[id]?.values() ?? []) release(kind);
        statements[id] = undefined;
      },
      save: () => save({ services, drifts, dice }),
      load(bytes) {
        const loaded = load(bytes, (signal: Telemetry) => new Drifts(signal, { types, adopt_after }, detection));
        for (const service of loaded.services) {
          services.set(text([service.resource["service.namespace"], service.resource["service.name"]]), service);
          known += service.kinds.size;
        }
        ({ drifts, dice } = loaded);
      },
    };
  },
});

function named({ resource }: Labels): Labels["resource"] {
  const keys = ["service.namespace", "service.name"].filter((key) => resource[key] !== undefined);
  return Object.fromEntries(keys.map((key) => [key, String(resource[key])]));
}

const text = (parts: readonly unknown[]) =>
  JSON.stringify(parts.map((part) => (part === undefined ? null : String(part))));
