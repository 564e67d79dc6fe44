// Joins anomalies of metrics, traces and logs that have one cause into one incident that says where it probably began.
import { type Anomaly, defineProcessor, duration, isGraver, z } from "vedette";
import type { Said } from "./blame.ts";
import { placeOf, RAISES } from "./evidence.ts";
import { ServiceGraph } from "./graph.ts";
import type { Incident } from "./incident.ts";
import { Incidents } from "./incidents.ts";
import { type Arrived, restored, saved } from "./saved.ts";
import { Suspicions } from "./suspicions.ts";
import { name, originOf, tell } from "./telling.ts";
import { aged, displaced, merged } from "./words.ts";

/** Milliseconds between two looks at who calls whom. */
const GRAPH_EVERY = 30_000;
/** Milliseconds before an incident in which what was said below the line counts, and how often that is looked at. */
const BEFORE = 120_000;
const SUSPICIONS_EVERY = 10_000;
/** Milliseconds between two changes of an incident that goes on for longer. */
const SLOWEST = 60_000;
/** Anomalies that wait for the next tick, at most. */
const MOST_WAITING = 1000;

export default defineProcessor({
  type: "correlate",
  signals: ["anomalies"],
  stability: "beta",
  summary: "Joins what has one cause, of metrics, traces and logs, into incidents that say where it probably began.",
  config: z.object({
    window: duration()
      .prefault("5m")
      .describe("What begins at neighbouring services within so long of each other may have one cause."),
    hops: z
      .int()
      .min(0)
      .max(5)
      .default(2)
      .describe("How many calls apart two services may be, by the service graph; 0 joins only what is of one service."),
    settle: duration()
      .prefault("10s")
      .describe(
        "How long is waited for more before an incident is told, and at least between two changes of it: as long as it lasts by then, up to a minute. A critical one is told at once.",
      ),
    pass: z
      .enum(["incidents", "all"])
      .default("incidents")
      .describe("What goes on: only incidents, with what was joined inside them; or also each anomaly."),
    resolve_after: duration()
      .prefault("15m")
      .describe("An anomaly that no processor has made an episode of is over when it was not found again for so long."),
    linger: duration()
      .prefault("5m")
      .describe(
        "How long an incident stays open after the last that was seen of it, and at least until all that is in it is over: what comes back is part of it. One that lasted less than that stays open for the difference, too.",
      ),
    max_age: duration().prefault("24h").describe("An incident that lasts so long is resolved, whatever is left of it."),
    max_incidents: z
      .int()
      .positive()
      .default(500)
      .describe("Open at a time; beyond it the one of which nothing was heard for longest is resolved."),
    max_members: z
      .int()
      .positive()
      .default(50)
      .describe("Episodes kept of an incident, the highest scores first; the others are counted."),
  }),
  create(options, host) {
    const { window, hops, settle, pass, resolve_after, linger, max_age, max_incidents, max_members } = options;
    const graph = new ServiceGraph(hops);
    const incidents = new Incidents({ window, max_incidents, max_members, quiet: resolve_after }, graph);
    const suspicions = new Suspicions();
    const known = { graph, deployments: incidents.deployments };
    const changes = host.meter.createCounter("vedette_correlate_incidents", {
      unit: "{incidents}",
      description: "Incidents told, by state.",
    });
    let waiting: Arrived[] = [];
    let looked = Number.NEGATIVE_INFINITY;
    let wondered = Number.NEGATIVE_INFINITY;
    /** Places of which something was said below the line in an incident that is open, when that was last looked at. */
    let suspected = new Set<string>();
    let ready: Anomaly[] = [];

    function lookAround(now: number): void {
      if (Math.abs(now - looked) < GRAPH_EVERY) return;
      looked = now;
      if (graph.follow(host.calls())) for (const incident of incidents.open) incident.doubt();
    }

    /** What was said below the line of places of young incidents, and of what they call. */
    function wonder(now: number, every = SUSPICIONS_EVERY): void {
      if (Math.abs(now - wondered) < every) return;
      wondered = now;
      for (const incident of incidents.open) {
        if (Math.abs(now - incident.since) > window) continue;
        const { places } = incident;
        const isBehind = (place: string) => [...places.keys()].some((each) => graph.leads(each, place));
        const near = ({ place, kind }: Said) => places.has(place) || (RAISES.has(kind) && isBehind(place));
        const all = suspicions.since(incident.since - BEFORE).filter(near);
        for (const said of all) suspicions.excuse(said);
        incident.suspect(all);
      }
      suspected = new Set(
        [...incidents.open].flatMap(({ suspicions }) => Array.from(suspicions.values(), ({ place }) => place)),
      );
    }

    /** In an order that does not depend on that of their arrival. */
    function takeIn(now: number): void {
      if (waiting.length === 0) return;
      lookAround(now);
      const some = waiting;
      waiting = [];
      for (const { anomaly, at } of some.sort(inOrder)) incidents.take(anomaly, at);
    }

    function end(incident: Incident, now: number, reason?: string): void {
      if (!incident.told) return;
      ready.push(tell(incident, known, host.id, "resolved", now, reason));
      changes.add(1, { state: "resolved" });
    }

    /** What is to be said at `now`; or what waits to be said, too. */
    function speak(now: number, waits = false): void {
      const ended = incidents.ended;
      incidents.ended = [];
      let lost = 0;
      for (const { incident, into } of ended) {
        const origin = originOf(incident, graph);
        if (into) end(incident, now, merged(origin, { id: into.id, origin: originOf(into, graph) }));
        else if (incident.told) end(incident, now, displaced(origin));
        else lost++;
      }
      // what ended made room for some of these
      for (const incident of incidents.open) say(incident, now, waits);
      if (lost > 0) {
        host.log.warn("too many incidents at once: some ended before they were told; raise max_incidents", {
          incidents: lost,
          max_incidents,
        });
      }
    }

    function say(incident: Incident, now: number, waits: boolean): void {
      const { told, severity } = incident;
      const graver = told === undefined ? severity === "critical" : isGraver(severity, told.severity);
      const wait = told ? Math.max(settle, Math.min(told.at - incident.since, SLOWEST)) : settle;
      if (!waits && !graver && now - (told?.at ?? incident.since) < wait && now >= incident.since) return;
      const origin = originOf(incident, graph);
      const { episodes, places } = incident;
      const grown = !told || episodes >= 2 * told.episodes || places.size > told.places || origin !== told.origin;
      if (!grown && !graver) return;
      if (!told) name(incident, graph, host.id);
      incident.told = { places: places.size, episodes, origin, severity, at: now };
      const state = told ? "ongoing" : "open";
      ready.push(tell(incident, known, host.id, state, now));
      changes.add(1, { state });
    }

    function finish(now: number): void {
      incidents.look(now);
      for (const incident of incidents.open) {
        const lasts = now - incident.since;
        // what was there only briefly is likelier to come back
        const brief = Math.max(0, linger - (incident.over - incident.began));
        const isOver = now - incident.over >= linger + Math.min(linger, brief);
        if (!isOver && lasts < max_age) continue;
        end(incident, now, isOver ? undefined : aged(originOf(incident, graph), lasts));
        incidents.close(incident);
      }
    }

    return {
      process(anomalies) {
        const now = host.now();
        for (const anomaly of anomalies) waiting.push({ anomaly, at: now });
        const urgent = anomalies.some(({ severity, state }) => severity === "critical" && state !== "resolved");
        if (urgent || waiting.length >= MOST_WAITING) {
          takeIn(now);
          wonder(now, 0);
          speak(now);
        }
        const told = ready;
        ready = [];
        const passed = pass === "all" ? [...anomalies, ...told] : told;
        return passed.length > 0 ? passed : undefined;
      },
      suspected(suspicion) {
        const place = graph.whole(placeOf(suspicion.labels));
        const isUsual = !incidents.involves(place) && !suspected.has(place);
        if (place !== "") suspicions.hear(suspicion, place, host.now(), isUsual);
      },
      tick(now) {
        if (incidents.open.size > 0) lookAround(now);
        takeIn(now);
        wonder(now);
        finish(now);
        speak(now);
      },
      conclude(now) {
        takeIn(now);
        wonder(now, 0);
        speak(now, true);
      },
      get due() {
        return ready.length > 0;
      },
      save: () => saved({ waiting, ready, incidents, suspicions, graph }),
      load(bytes) {
        ({ waiting, ready } = restored(bytes, { incidents, suspicions, graph }));
      },
    };
  },
});

const beginOf = ({ episode, time }: Anomaly) => episode?.start ?? time;
const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
/** As they began; several of one fingerprint as they happened. */
const inOrder = ({ anomaly: a }: Arrived, { anomaly: b }: Arrived) =>
  beginOf(a) - beginOf(b) || compare(a.fingerprint, b.fingerprint) || a.time - b.time || compare(a.state, b.state);
