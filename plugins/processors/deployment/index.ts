// Tells that a service was deployed: by a version that it never had, and by log events that say so.
import { type Batch, defineFinder, duration, ofService, packed, serviceName, unpacked, z } from "vedette";
import { EventSearch } from "./events.ts";
import { savedVersions, Versions } from "./versions.ts";

/** It claims no probability: at the default threshold its score is 1, the line. */
const RARITY = 1;

const UNSEEN = 0;
const SEEN = 1;

export default defineFinder({
  type: "deployment",
  signals: ["metrics", "logs"],
  stability: "alpha",
  summary: "Tells that a service was deployed, by a new service.version or a log event.",
  finds: ["deployment"],
  defaults: { warmup: 0, threshold: RARITY },
  config: z.object({
    event_names: z
      .array(z.string().min(1).max(127))
      .default(["deployment"])
      .describe(
        "Of log records that say that their service was deployed: the event name, or the attribute `event.name`.",
      ),
    learning: duration()
      .prefault("10m")
      .describe("How long versions of a service that is new itself are no news: several may run."),
  }),
  create({ event_names, learning }, host, detection) {
    const versions = new Versions(learning, host.log);
    const events = new EventSearch(event_names);
    /** By series of metrics. */
    let state = new Uint8Array(0);

    /** The version is of the resource, so that one look at each series is enough. */
    function look(batch: Batch, now: number): void {
      const { rows } = batch;
      for (let row = 0; row < rows.length; row++) {
        const id = rows.series[row];
        if (id >= state.length) state = grown(state, id);
        if (state[id] !== UNSEEN) continue;
        state[id] = SEEN;
        const labels = batch.labels(row);
        const version = labels.resource["service.version"];
        if (version === undefined || !detection.allows(labels)) continue;
        const before = versions.isNew(serviceName(labels), String(version), now);
        if (before === undefined) continue;
        const reason = `${serviceName(labels) || "a service"} runs version ${version}; it was ${before} before`;
        tell(batch, row, reason);
      }
    }

    function tell(batch: Batch, row: number, reason: string, service = {}): void {
      const { resource, ...labels } = ofService(batch.labels(row));
      const own = { ...labels, resource: { ...resource, ...service }, name: "deployment", statistic: "", unit: "" };
      const { example: _, template: __, ...plain } = own;
      detection.find({
        type: "deployment",
        signal: batch.signal,
        labels: plain,
        time: batch.rows.time[row],
        rarity: RARITY,
        reason,
      });
    }

    return {
      process(batch) {
        if (batch.signal === "metrics") look(batch, batch.receivedAt);
        else {
          for (const { row, labels, service, version } of events.in(batch as Batch<"logs">)) {
            if (!detection.allows(labels)) continue;
            const name = serviceName({ ...labels, resource: { ...labels.resource, ...service } });
            tell(batch, row, `${name || "a service"} was deployed${version && `: version ${version}`}`, service);
          }
        }
        return batch;
      },
      forget(_signal, series) {
        if (series < state.length) state[series] = UNSEEN;
      },
      save: () => packed(versions.saved()),
      load: (bytes) => versions.restore(unpacked(bytes, savedVersions, "deployment")),
    };
  },
});

function grown(state: Uint8Array<ArrayBuffer>, id: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.max(1024, id + 1, state.length * 2));
  larger.set(state);
  return larger;
}
