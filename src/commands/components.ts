// `vedette components`: every plugin that comes with the agent.
import { Registry } from "../registry.ts";
import { type Command, EXIT, printJson } from "./command.ts";

export const components: Command = {
  synopsis: "[--format text|json]",
  summary: "list every component: section, type, signals, stability, what it does",
  details: `JSON: [{"section", "type", "aliases": [...], "signals": [...], "stability", "summary"}]`,
  options: ["format"],
  formats: ["text", "json"],
  async run({ format }) {
    const registry = await Registry.all();
    const rows = registry.list().map(({ section, plugin }) => {
      const signals = "signals" in plugin ? plugin.signals : "signal" in plugin ? [plugin.signal] : [];
      const aliases = registry.aliasesOf(section, plugin.type);
      return { section, type: plugin.type, aliases, signals, stability: plugin.stability, summary: plugin.summary };
    });
    if (format === "json") return printJson(rows);
    for (const { section, type, signals, stability, summary } of rows) {
      const columns = [
        section.padEnd(11),
        type.padEnd(15),
        signals.join(",").padEnd(29),
        stability.padEnd(12),
        summary,
      ];
      process.stdout.write(`${columns.join(" ")}\n`);
    }
    return EXIT.done;
  },
};
