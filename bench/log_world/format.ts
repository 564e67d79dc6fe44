// How services write what they log: plain text of several styles, logfmt, JSON text, key-value lists of OTLP, access logs.
import type { Value } from "./parameter.ts";
import type { Statement } from "./statement.ts";

export type Format =
  | "bare"
  | "python"
  | "log4j"
  | "klog"
  | "bracket"
  | "syslog"
  | "access"
  | "logfmt"
  | "json"
  | "kvlist";

/** A body: text, or the fields of a key-value list. */
export type Body = string | readonly (readonly [key: string, value: Value])[];

/** Whether the level stands in the text of the body. */
export const tellsLevel = (format: Format) => !["bare", "kvlist", "access"].includes(format);
/** Whether parameters are fields with names. */
export const hasFields = (format: Format) => ["logfmt", "json", "kvlist"].includes(format);

/** What is the same in every body with fields of a service, besides what the statement says. */
export const FIELDS = ["logger", "thread", "env"] as const;

export interface Line {
  readonly format: Format;
  readonly service: string;
  readonly host: string;
  readonly statement: Statement;
  readonly values: readonly Value[];
  /** Unix milliseconds by the service's clock. */
  readonly time: number;
  readonly thread: number;
  /** Fields beside the message; of other formats without effect. */
  readonly fields: readonly (readonly [key: string, value: Value])[];
  /** Whether the message of a body with fields has the parameters in it as well. */
  readonly interpolated: boolean;
  /** With the text, on lines of its own; of JSON in a field. */
  readonly stack: string;
}

const MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec";
const SYSLOG = { DEBUG: 135, INFO: 134, WARN: 132, ERROR: 131 } as const;

export function bodyOf(line: Line): Body {
  const { format, statement, values, stack, service, time, thread } = line;
  if (hasFields(format)) return fieldBody(line);
  const text = stack === "" ? statement.text(values) : `${statement.text(values)}\n${stack}`;
  const { level, logger } = statement;
  const iso = isoOf(time);
  switch (format) {
    case "python":
      return `${iso.slice(0, 10)} ${iso.slice(11, 19)},${iso.slice(20, 23)} - ${service}.${logger} - ${named(level)} - ${text}`;
    case "log4j":
      return `${iso.slice(0, 10)} ${iso.slice(11, 23)} ${level.padStart(5)} 1 --- [nio-8080-exec-${thread}] c.shop.${service}.${logger} : ${text}`;
    case "klog":
      return `${level[0]}${iso.slice(5, 7)}${iso.slice(8, 10)} ${iso.slice(11, 23)}000       1 ${logger.toLowerCase()}.go:${statement.line}] ${text}`;
    case "bracket":
      return `[${iso}] [${level}] [${logger}] ${text}`;
    case "syslog":
      return `<${SYSLOG[level]}>1 ${iso} ${line.host} ${service} ${100 + thread} - - ${level}: ${text}`;
    case "access": {
      const [date, clock] = [iso.slice(0, 10).replaceAll("-", "/"), iso.slice(11, 19)];
      if (level === "INFO")
        return text.replace("@time", `${iso.slice(8, 10)}/${month(iso)}/${iso.slice(0, 4)}:${clock} +0000`);
      return `${date} ${clock} [${level.toLowerCase()}] 31#31: *${thread} ${text}`;
    }
    default:
      return text;
  }
}

/** Of the last second asked for, up to its point. */
let second = Number.NaN;
let head = "";

function isoOf(time: number): string {
  const whole = Math.floor(time / 1000);
  if (whole !== second) {
    second = whole;
    head = new Date(1000 * whole).toISOString().slice(0, 20);
  }
  return `${head}${`${Math.floor(time) - 1000 * whole}`.padStart(3, "0")}Z`;
}

const month = (iso: string) => MONTHS.slice(3 * (Number(iso.slice(5, 7)) - 1), 3 * Number(iso.slice(5, 7)));
const named = (level: string) => (level === "WARN" ? "WARNING" : level);

function fieldBody({ format, statement, values, time, fields, interpolated, stack }: Line): Body {
  const level = statement.level.toLowerCase();
  const message = interpolated ? statement.text(values) : statement.message;
  const own = statement.parameters.map(({ name }, i) => [name, values[i]] as const);
  const iso = isoOf(time);
  if (format === "kvlist") {
    const rest = stack === "" ? [...own, ...fields] : [...own, ...fields, ["stack", stack] as const];
    return [["message", message], ...rest];
  }
  if (format === "json") {
    const body: Record<string, Value> = { timestamp: iso, level, message };
    for (const [key, value] of own) body[key] = value;
    for (const [key, value] of fields) body[key] = value;
    if (stack !== "") body.stack = stack;
    return JSON.stringify(body);
  }
  const pairs = [...own, ...fields].map(([key, value]) => `${key}=${quoted(value)}`);
  return `time=${iso} level=${level} msg=${quoted(message)} ${pairs.join(" ")}${stack === "" ? "" : ` stack=${JSON.stringify(stack)}`}`;
}

const quoted = (value: Value) => (/[\s"=]/.test(`${value}`) ? JSON.stringify(value) : `${value}`);
