// A store's file with many incidents in it, as an agent would have kept them over days.
import { createHash } from "node:crypto";
import anomalyStore from "../../plugins/extensions/anomaly_store/index.ts";
import type { Anomaly } from "../../src/api/index.ts";
import { fakeHost } from "../../src/testing/index.ts";
import { anomalyOf } from "../exporting.ts";

const MINUTE = 60_000;
const SEVERITIES = ["critical", "warning", "info"] as const;
const SERVICES = ["checkout", "payments", "search", "inventory", "mailer"];

/** Writes `count` incidents of three episodes each, an hour apart; the latest tenth of them is open. Resolves to their ids, the latest first. */
export async function keepIncidents(directory: string, count: number): Promise<string[]> {
  const now = Date.now();
  const host = Object.assign(fakeHost("anomaly_store"), { time: now });
  const extension = anomalyStore.create(anomalyStore.config.parse({ directory }), host);
  await extension.start!();
  const ids: string[] = [];
  try {
    for (let i = 0; i < count; i++) {
      const isOpen = i < count / 10;
      const start = now - (isOpen ? i : 60 * i) * MINUTE - 5 * MINUTE;
      const incident = incidentOf(i, start, isOpen);
      ids.push(incident.id);
      await extension.anomalies!.keep([incident]);
    }
  } finally {
    await extension.stop!();
  }
  return ids;
}

function incidentOf(i: number, start: number, isOpen: boolean): Anomaly {
  const members = ["http.server.request.duration", "queue.length", "process.memory.usage"].map((name, k) =>
    episodeOf(SERVICES[(i + k) % SERVICES.length], name, i, start + k * 1000, isOpen),
  );
  const [first] = members;
  const services = members.map(({ labels }) => String(labels.resource["service.name"]));
  return {
    ...first,
    id: idOf(`incident ${i}`, start),
    fingerprint: fingerprintOf(`incident ${i}`),
    detector: "correlate",
    type: "incident",
    reason: `${services[0]} has slowed: ${first.reason}`,
    incident: {
      members,
      episodes: members.length,
      origins: services.map((service, k) => ({ service, share: [0.7, 0.2, 0.1][k], reasons: [members[k].reason] })),
      services,
      traces: [],
      templates: ["payment <*> refused"],
    },
  };
}

function episodeOf(service: string, name: string, i: number, start: number, isOpen: boolean): Anomaly {
  const anomaly = anomalyOf();
  const lastSeen = isOpen ? start + 4 * MINUTE : start + 2 * MINUTE;
  const severity = SEVERITIES[i % 3];
  return {
    ...anomaly,
    id: idOf(`${service} ${name} ${i}`, start),
    fingerprint: fingerprintOf(`${service} ${name} ${i}`),
    state: isOpen ? "ongoing" : "resolved",
    severity,
    time: start,
    labels: { ...anomaly.labels, name, resource: { "service.name": service } },
    reason: `${service} ${name} is ${200 + i}; usually it is 38 to 62.`,
    episode: { start, lastSeen, peak: 2, count: 3, ...(!isOpen && { end: lastSeen }) },
  };
}

const fingerprintOf = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 16);
const idOf = (text: string, start: number) => `${fingerprintOf(text)}-${start.toString(36)}`;
