// What `--help` says.
import { type Command, OPTIONS } from "./command.ts";

/** Of the whole command line. */
export function usage(commands: Readonly<Record<string, Command>>): string {
  const lines = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(13)} ${summary}`);
  return `vedette: an OpenTelemetry agent that finds what is abnormal while it passes

usage: vedette [COMMAND] [OPTION]...

${lines.join("\n")}

  --help           this text; after a command, what it takes
  --version        the version

exit codes: 0 done, 1 bad configuration or input, 2 bad usage, 70 internal error
`;
}

/** Of one command. */
export function helpFor(name: string, { synopsis, summary, details, options, formats }: Command): string {
  const lines = options.map((option) => {
    const [form, meaning] = OPTIONS[option];
    const choices = option === "format" ? `: ${formats?.join(" or ")}; ${formats?.[0]} unless given` : "";
    return `  ${form.padEnd(18)} ${meaning}${choices}\n`;
  });
  const sentence = `${summary[0].toUpperCase()}${summary.slice(1)}.`;
  return `usage: vedette ${name} ${synopsis}

${sentence}
${details ? `${details}\n` : ""}${lines.length > 0 ? "\n" : ""}${lines.join("")}`;
}
