// What was told of each alert, so that the same news is sent once.
import { type Anomaly, type Host, packed, unpacked, z } from "../api/index.ts";

/** Options to spread into those of an exporter that tells people of alerts. */
export const newsOptions = {
  send_resolved: z.boolean().default(true).describe("Whether the end of an alert is sent."),
  send_ongoing: z
    .boolean()
    .default(false)
    .describe(
      "Whether every change of an alert that goes on is sent; else its beginning, changes of severity, where an incident spreads to or is found to begin, and its end.",
    ),
};

/** Alerts remembered, the one heard of longest ago goes first: its next change is sent again, whatever it is. */
const MOST = 10_000;
/** Times that it is told where an incident began or went, beside what else is news; later ones at least so many milliseconds after what was told before. */
const MOST_MOVES = 20;
const QUICK_MOVES = 3;
const BETWEEN_MOVES = 60_000;

const alert = z.object({
  news: z.string(),
  origin: z.string(),
  services: z.number(),
  at: z.number(),
  moves: z.number(),
});
const saved = z.map(z.string(), alert);

/** How an alert stood when it was told last. */
type Alert = z.output<typeof alert>;

export class Told {
  readonly #options: z.output<z.ZodObject<typeof newsOptions>>;
  readonly #host: Pick<Host, "now">;
  /** By id, the one told of longest ago first. */
  #last: Map<string, Alert> = new Map();

  constructor(options: z.output<z.ZodObject<typeof newsOptions>>, host: Pick<Host, "now">) {
    this.#options = options;
    this.#host = host;
  }

  /**
   * Whether the change is to be sent. Of one that was never told the first change is, "ongoing" or not: it may have been less
   * severe until now, or have begun before a restart.
   */
  isNews(change: Anomaly): boolean {
    const { id, state } = change;
    if (state === "resolved" && !this.#options.send_resolved) return false;
    if (state === "ongoing" && this.#options.send_ongoing) return true;
    const last = this.#last.get(id);
    return last?.news !== newsOf(change) || mayTellMove(last, change, this.#host.now());
  }

  /** Whether nothing has changed since it was told last but its figures. */
  knows(change: Anomaly): boolean {
    const last = this.#last.get(change.id);
    return last?.news === newsOf(change) && !hasMoved(last, change);
  }

  /** How severe it was when it was told last, "resolved" when that was its end; undefined of one that was never told. */
  severityOf(id: string): string | undefined {
    return this.#last.get(id)?.news;
  }

  /** Says that it was sent. */
  tell(change: Anomaly): void {
    const { id } = change;
    const at = this.#host.now();
    const last = this.#last.get(id);
    const isMove = last?.news === newsOf(change) && hasMoved(last, change);
    const moves = (last?.moves ?? 0) + (isMove ? 1 : 0);
    this.#last.delete(id);
    this.#last.set(id, { news: newsOf(change), ...placeOf(change), at, moves });
    if (this.#last.size <= MOST) return;
    for (const oldest of this.#last.keys()) {
      this.#last.delete(oldest);
      break;
    }
  }

  /** For a component's own `save`; `load` gives it back. */
  save(): Uint8Array {
    return packed(this.#last);
  }

  /** Throws when it is not what `save` gave. */
  load(bytes: Uint8Array): void {
    this.#last = unpacked(bytes, saved, "what was told");
  }
}

const newsOf = ({ state, severity }: Anomaly): string => (state === "resolved" ? state : severity);

/** Where an incident probably began, and how far it went. */
const placeOf = ({ incident }: Anomaly) => ({
  origin: incident?.origins[0]?.service ?? "",
  services: incident?.services.length ?? 0,
});

function hasMoved(last: Alert, change: Anomaly): boolean {
  if (change.state === "resolved" || !change.incident) return false;
  const { origin, services } = placeOf(change);
  return origin !== last.origin || services > last.services;
}

const mayTellMove = (last: Alert, change: Anomaly, now: number): boolean =>
  hasMoved(last, change) &&
  last.moves < MOST_MOVES &&
  (last.moves < QUICK_MOVES || Math.abs(now - last.at) >= BETWEEN_MOVES);
