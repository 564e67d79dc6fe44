// Arguments with placeholders: each stays one argument, whatever telemetry says; what could be taken for something else is refused.
import { type Anomaly, serviceName } from "vedette";

const PLACEHOLDER = /\{\{\s*([^{}]*?)\s*\}\}/g;

const FIELDS: Readonly<Record<string, (anomaly: Anomaly) => string>> = {
  id: ({ id }) => id,
  fingerprint: ({ fingerprint }) => fingerprint,
  service: ({ labels }) => serviceName(labels),
  name: ({ labels }) => labels.name,
  severity: ({ severity }) => severity,
  state: ({ state }) => state,
  type: ({ type }) => type,
  detector: ({ detector }) => detector,
  signal: ({ signal }) => signal,
  score: ({ score }) => String(score),
  reason: ({ reason }) => reason,
};

/** Characters of one value. */
const LONGEST = 1024;
const CONTROL = /[\x00-\x1f\x7f]/;

/** What every command and webhook is told, by name. */
export const valuesOf = (anomaly: Anomaly): Record<string, string> =>
  Object.fromEntries(Object.entries(FIELDS).map(([name, of]) => [name, of(anomaly)]));

const keyIn = (path: string) => /^(resource|attributes)\.(.+)$/.exec(path);

/** What is wrong with an argument as the user wrote it; undefined when nothing is. */
export function placeholderProblem(argument: string): string | undefined {
  if (argument.includes("\0")) return "no argument can hold a NUL";
  for (const [, path] of argument.matchAll(PLACEHOLDER)) {
    if (Object.hasOwn(FIELDS, path) || keyIn(path)) continue;
    return `{{${path}}} names nothing; there are ${Object.keys(FIELDS).join(", ")}, resource.KEY and attributes.KEY`;
  }
  return undefined;
}

/** The arguments for this anomaly. Throws an Error that says why it would be unsafe to run them. */
export function filled(command: readonly string[], anomaly: Anomaly): string[] {
  return command.map((argument, i) => (i === 0 ? argument : fill(argument, anomaly)));
}

function fill(argument: string, anomaly: Anomaly): string {
  const text = argument.replace(PLACEHOLDER, (_, path: string) => {
    const value = valueAt(path, anomaly);
    if (value === "") throw new Error(`{{${path}}} is empty`);
    if (value.length > LONGEST) throw new Error(`{{${path}}} is longer than ${LONGEST} characters`);
    if (CONTROL.test(value) || !value.isWellFormed()) throw new Error(`{{${path}}} holds control characters`);
    return value;
  });
  if (text.startsWith("-") && !argument.startsWith("-")) {
    throw new Error(`${JSON.stringify(argument)} would become an option: ${JSON.stringify(text.slice(0, 40))}`);
  }
  return text;
}

function valueAt(path: string, anomaly: Anomaly): string {
  const key = keyIn(path);
  if (!key) return FIELDS[path](anomaly);
  const { resource, attributes } = anomaly.labels;
  const value = (key[1] === "resource" ? resource : attributes)[key[2]];
  if (value === undefined || value === null) return "";
  if (typeof value === "object") throw new Error(`{{${path}}} is no text`);
  return String(value);
}
