// What goes wrong in a log world: what a fault changes while it lasts, and who is to find it.
import type { Service } from "./service.ts";
import type { Statement } from "./statement.ts";
import type { System } from "./system.ts";

export type LogFaultKind =
  /** A statement that never was: `size` a minute; 0 is once. */
  | "new_error"
  | "new_info"
  /** A new version with `size` statements that never were, which then come like others. One event. */
  | "deploy"
  /** A statement comes `size` times as often. */
  | "burst"
  /** A statement comes a `size`th as often. */
  | "drop"
  /** A statement comes no more. */
  | "silence"
  /** Nothing of the level INFO comes any more from a service that goes on with others. */
  | "level_silence"
  /** All statements of the level ERROR come `size` times as often. */
  | "errors"
  /** The share `size` of a sequence is opened and never closed. */
  | "missing_partner"
  /** In the share `size` of a sequence, what belongs to another one of the service is said. */
  | "novel_combination"
  /** About once a minute a number is `size` times what usually only one in a thousand is larger than. */
  | "outlier"
  /** A number is `size` times as large. */
  | "shift"
  /** The share `size` of an enumeration in the text, or of one in an attribute, is a value that never was. */
  | "new_value"
  | "new_attribute_value"
  /** The share `size` of the records of a service are without an attribute, or have it empty, or of another type. */
  | "missing_attribute"
  | "empty_attribute"
  | "attribute_type"
  /** The share `size` of its bodies is without a field. */
  | "missing_body_field"
  /** Everything is sent with severity INFO, whatever level stands in the text. */
  | "flat_severity";

/** Who is meant to find each. */
export const EXPECTED: Readonly<Record<LogFaultKind, string>> = {
  new_error: "new_template",
  new_info: "new_template",
  deploy: "new_template",
  burst: "template_rate",
  drop: "template_rate",
  silence: "template_rate",
  level_silence: "template_rate",
  errors: "template_rate",
  missing_partner: "log_sequence",
  novel_combination: "log_sequence",
  outlier: "log_values",
  shift: "log_values",
  new_value: "log_values",
  new_attribute_value: "log_values",
  missing_attribute: "log_schema",
  empty_attribute: "log_schema",
  attribute_type: "log_schema",
  missing_body_field: "log_schema",
  flat_severity: "log_schema",
};

export interface LogFault {
  readonly kind: LogFaultKind;
  readonly size: number;
  readonly service: string;
  /** Of the service's statements or sequences, by kind. */
  readonly index?: number;
  /** Of the statement's parameters. */
  readonly parameter?: number;
  /** Attribute or field. */
  readonly key?: string;
  /** Unix milliseconds. */
  readonly from: number;
  readonly to: number;
}

/** A statement that a fault makes come, so many times a second. */
export interface Planted {
  readonly service: Service;
  readonly statement: Statement;
  readonly rate: number;
}

/** Outliers a second: one a minute. */
const OUTLIERS = 1 / 60;
/** Of a service's records those that come from the statements of a new version. */
const OF_DEPLOYED = 0.4;
export const STRANGE = "quarantined";

/** Makes it so, after what faults changed before is undone. What statements they make come. */
export function applyFaults({ services }: System, faults: readonly LogFault[]): Planted[] {
  for (const service of services) {
    Object.assign(service, {
      silenced: undefined,
      errors: 1,
      field: undefined,
      attribute: undefined,
      flattened: false,
    });
    for (const statement of service.statements) {
      statement.factor = 1;
      for (const each of statement.parameters) Object.assign(each, { factor: 1, strangeShare: 0 });
    }
    for (const each of service.attributes) each.strangeShare = 0;
    for (const each of service.sequences) Object.assign(each, { unclosed: 0, foreignShare: 0 });
  }
  return faults.flatMap((fault) => apply(services.find(({ name }) => name === fault.service)!, fault));
}

function apply(service: Service, fault: LogFault): Planted[] {
  const { kind, size, index = 0, key = "" } = fault;
  const statement = service.statements[index];
  const parameter = statement?.parameters[fault.parameter ?? 0];
  const sequence = service.sequences[index];
  const share = { key, share: size } as const;
  switch (kind) {
    case "new_error":
    case "new_info":
      return [{ service, statement: statementsOf(service, fault)[0], rate: size / 60 }];
    case "deploy":
      return service.deployed.slice(0, size).map((each, i) => {
        return { service, statement: each, rate: (OF_DEPLOYED * service.spec.rate) / (1 + i) / Math.log(size) };
      });
    case "burst":
      statement.factor = size;
      break;
    case "drop":
      statement.factor = 1 / size;
      break;
    case "silence":
      statement.factor = 0;
      break;
    case "level_silence":
      service.silenced = "INFO";
      break;
    case "errors":
      service.errors = size;
      break;
    case "missing_partner":
      sequence.unclosed = size;
      break;
    case "novel_combination":
      sequence.foreign = service.sequences[1 - index].close;
      sequence.foreignShare = size;
      break;
    case "outlier":
      parameter.strange = Math.round(parameter.top * size);
      parameter.strangeShare = Math.min(1, OUTLIERS / statement.rate);
      break;
    case "shift":
      parameter.factor = size;
      break;
    case "new_value":
      Object.assign(parameter, { strange: STRANGE, strangeShare: size });
      break;
    case "new_attribute_value":
      Object.assign(service.attributes.find(({ name }) => name === key)!, { strange: STRANGE, strangeShare: size });
      break;
    case "missing_attribute":
      service.attribute = { ...share, change: "missing" };
      break;
    case "empty_attribute":
      service.attribute = { ...share, change: "empty" };
      break;
    case "attribute_type":
      service.attribute = { ...share, change: "type" };
      break;
    case "missing_body_field":
      service.field = { ...share, change: "missing" };
      break;
    case "flat_severity":
      service.flattened = true;
  }
  return [];
}

/** What an alarm about it should show: the statements at fault; none where it is not of statements. */
export function statementsOf(service: Service, { kind, index = 0, size }: LogFault): readonly Statement[] {
  switch (kind) {
    case "new_error":
      return [service.spare.ERROR];
    case "new_info":
      return [service.spare.INFO];
    case "deploy":
      return service.deployed.slice(0, size);
    case "missing_partner":
    case "novel_combination":
      return service.sequences.flatMap(({ statements }) => statements);
    case "burst":
    case "drop":
    case "silence":
    case "outlier":
    case "shift":
    case "new_value":
      return [service.statements[index]];
    default:
      return [];
  }
}
