// An alert as a message of Slack: Block Kit, with a text for notifications.
import type { Anomaly } from "vedette";
import { factsOf, shortText } from "vedette/http";

/** What Slack takes, in characters of its markup. */
const LONGEST = { header: 150, section: 3000, field: 2000, context: 2000, text: 3000 };
const MOST_FIELDS = 10;

const SIGN = { info: ":large_blue_circle:", warning: ":large_yellow_circle:", critical: ":red_circle:" } as const;

/** Facts that stand small below; the rest are fields, as many as Slack shows. */
const SMALL: ReadonlySet<string> = new Set(["id", "fingerprint", "detector", "traces", "templates"]);

export interface Message {
  readonly text: string;
  readonly blocks: readonly object[];
}

export function messageOf(anomaly: Anomaly): Message {
  const { state, severity, type } = anomaly;
  const facts = factsOf(anomaly);
  const over = state === "resolved";
  const sign = over ? ":large_green_circle:" : SIGN[severity];
  const where = facts["service"] === undefined ? "" : ` in ${facts["service"]}`;
  const title = `${over ? "resolved" : severity}: ${type.replaceAll("_", " ")}${where}`;
  const reason = escaped(anomaly.reason, LONGEST.section) || escaped(type, LONGEST.section) || "-";
  const entries = Object.entries(facts);
  const fields = entries.filter(([name]) => !SMALL.has(name)).slice(0, MOST_FIELDS);
  const small = entries.filter(([name]) => SMALL.has(name)).map(([name, text]) => `${name}: ${text}`);
  return {
    text: escaped(`${title}: ${anomaly.reason}`, LONGEST.text),
    blocks: [
      {
        type: "header",
        text: { type: "plain_text", text: shortText(`${sign} ${title}`, LONGEST.header), emoji: true },
      },
      { type: "section", text: { type: "mrkdwn", text: reason } },
      ...(fields.length > 0 ? [{ type: "section", fields: fields.map(([name, text]) => field(name, text)) }] : []),
      ...(small.length > 0
        ? [{ type: "context", elements: [{ type: "mrkdwn", text: escaped(small.join("  |  "), LONGEST.context) }] }]
        : []),
    ],
  };
}

const field = (name: string, text: string) => {
  const head = `*${name}*\n`;
  return { type: "mrkdwn", text: head + escaped(text, LONGEST.field - head.length) };
};

/** Foreign text in Slack's markup: nothing in it is a link or calls people. At most so many characters once escaped. */
export function escaped(text: string, most: number): string {
  let short = shortText(text, most, true);
  for (;;) {
    const safe = short.replace(/[&<>]/g, (sign) => ENTITIES[sign]);
    if (safe.length <= most) return safe;
    short = shortText(short, Math.floor((short.length * most) / safe.length) - 1, true);
  }
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };
