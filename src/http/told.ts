// What was told of each alert, so that the same news is sent once.
import { type Anomaly, z } from "../api/index.ts";

/** Options to spread into those of an exporter that tells people of alerts. */
export const newsOptions = {
  send_resolved: z.boolean().default(true).describe("Whether the end of an alert is sent."),
  send_ongoing: z
    .boolean()
    .default(false)
    .describe(
      "Whether every change of an alert that goes on is sent; else its beginning, changes of severity and its end.",
    ),
};

/** Alerts remembered, the one heard of longest ago goes first: its next change is sent again, whatever it is. */
const MOST = 10_000;

export class Told {
  readonly #options: z.output<z.ZodObject<typeof newsOptions>>;
  /** By id what was told last. */
  readonly #last = new Map<string, string>();

  constructor(options: z.output<z.ZodObject<typeof newsOptions>>) {
    this.#options = options;
  }

  /**
   * Whether the change is to be sent. Of one that was never told the first change is, "ongoing" or not: it may have been less
   * severe until now, or have begun before a restart.
   */
  isNews(change: Anomaly): boolean {
    const { id, state } = change;
    if (state === "resolved" && !this.#options.send_resolved) return false;
    if (state === "ongoing" && this.#options.send_ongoing) return true;
    return this.#last.get(id) !== newsOf(change);
  }

  /** How severe it was when it was told last, "resolved" when that was its end; undefined of one that was never told. */
  severityOf(id: string): string | undefined {
    return this.#last.get(id);
  }

  /** Says that it was sent. */
  tell(change: Anomaly): void {
    const { id } = change;
    this.#last.delete(id);
    this.#last.set(id, newsOf(change));
    if (this.#last.size <= MOST) return;
    for (const oldest of this.#last.keys()) {
      this.#last.delete(oldest);
      break;
    }
  }
}

const newsOf = ({ state, severity }: Anomaly): string => (state === "resolved" ? state : severity);
