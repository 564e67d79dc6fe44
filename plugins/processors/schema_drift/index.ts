// Tells when telemetry changes its shape: attributes and metrics that go missing or are new, types and units that change.
import { type Batch, defineFinder, duration, type Labels, type Telemetry, z } from "vedette";
import { Drifts, TYPES } from "./drift.ts";
import { load, save } from "./saved.ts";
import { contentOf, Kind, LONGEST_NAME, measured, Service, WINDOW } from "./services.ts";
import type { Field } from "./shape.ts";

/** Milliseconds that the clock of a sender may be ahead; a row of later is taken for one of now. */
const AHEAD = 600_000;
/** By which the window of a service may go back. */
const LATE_WINDOWS = 5;
/** Of all services together. */
const MOST_KINDS = 20_000;

export default defineFinder({
  type: "schema_drift",
  signals: ["metrics", "traces", "logs"],
  stability: "beta",
  summary: "Tells when attributes or metrics go missing or are new, and when types or units change.",
  finds: TYPES,
  defaults: { warmup: 0 },
  config: z.object({
    types: z
      .array(z.enum(["missing_field", "new_field", "type_change", "unit_change"]))
      .default(["missing_field", "type_change", "unit_change"])
      .describe("What is told. `new_field` is left out: most of what comes is no fault."),
    learning: duration().prefault("30m").describe("How long something is watched before a change of it is told."),
    adopt_after: duration()
      .prefault("1h")
      .describe("A change that lasts so long is taken for normal: the anomaly is resolved."),
    interval: duration()
      .prefault("1s")
      .describe(
        "One row of each metric, operation and severity is looked at so often; the others cost next to nothing.",
      ),
  }),
  create({ types, learning, adopt_after, interval, max_series }, host, detection) {
    const services = new Map<string, Service>();
    /** By id of a series; null: not watched. */
    const kinds: (Kind | null | undefined)[] = [];
    let drifts: Drifts | undefined;
    let known = 0;
    let full = false;
    let dice = 1;

    /** Uniform in [0, 1); saved, so that a restart changes nothing. */
    function chance(): number {
      dice = (Math.imul(dice, 1_664_525) + 1_013_904_223) >>> 0;
      return dice / 2 ** 32;
    }

    function decide(batch: Batch, row: number): Kind | null {
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
      const kindKey = text([kindName, labels.kind]);
      let kind = service.kinds.get(kindKey);
      if (!kind) {
        if (known >= Math.min(max_series, MOST_KINDS)) {
          if (!full)
            host.log.warn("too many metrics, operations or severities: new ones are not watched; narrow match");
          full = true;
          return null;
        }
        kind = new Kind(service, kindName, labels.kind ?? "");
        service.kinds.set(kindKey, kind);
        known++;
      }
      kind.series++;
      return kind;
    }

    function look(batch: Batch, row: number, kind: Kind, time: number): void {
      const content = contentOf(batch, row);
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
        const { rows, receivedAt, signal } = batch;
        drifts ??= new Drifts(signal, { types, adopt_after }, detection);
        for (let i = 0; i < rows.length; i++) {
          const id = rows.series[i];
          let kind = kinds[id];
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
        const kind = kinds[id];
        kinds[id] = undefined;
        if (!kind || --kind.series > 0) return;
        const { service } = kind;
        drifts?.forget(kind);
        service.kinds.delete(text([kind.name, kind.detail || undefined]));
        known--;
        if (service.kinds.size > 0) return;
        drifts?.forget(service.all);
        services.delete(text([service.resource["service.namespace"], service.resource["service.name"]]));
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
