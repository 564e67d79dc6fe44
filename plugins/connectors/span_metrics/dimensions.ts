// Which attributes tell the series of a metric apart.
import type { Attributes, AttributeValue, Labels } from "vedette";
import type { Options } from "./options.ts";

const KIND = ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];
const STATUS = ["UNSET", "OK", "ERROR"];

/** What SDKs write for a service that nobody named. */
const UNNAMED = "unknown_service";

type Dimension = Options["dimensions"][number];

export class Dimensions {
  /** Whether spans of one name, kind and status of a resource are always of one series. */
  readonly plain: boolean;
  readonly #own: ReadonlySet<string>;
  readonly #scopes: readonly string[];
  readonly #more: readonly Dimension[];

  /** `more` are those of one metric only. */
  constructor({ dimensions, exclude_dimensions, include_instrumentation_scope }: Options, more: readonly Dimension[]) {
    const own = ["service.name", "span.name", "span.kind", "status.code"];
    this.#own = new Set(own.filter((name) => !exclude_dimensions.includes(name)));
    this.#scopes = include_instrumentation_scope;
    this.#more = [...dimensions, ...more];
    this.plain = this.#scopes.length === 0 && this.#more.length === 0;
  }

  /** `kind` and `status` are OTLP's numbers. */
  of({ name, scope, resource, attributes }: Labels, kind: number, status: number): Attributes {
    const all: Record<string, AttributeValue> = Object.create(null);
    const own = (key: string, value: string) => {
      if (this.#own.has(key)) all[key] = value;
    };
    own("service.name", String(resource["service.name"] ?? UNNAMED));
    own("span.name", name);
    own("span.kind", `SPAN_KIND_${KIND[kind]}`);
    own("status.code", `STATUS_CODE_${STATUS[status]}`);
    if (this.#scopes.includes(scope.name)) {
      all["span.instrumentation.scope.name"] = scope.name;
      if (scope.version !== "") all["span.instrumentation.scope.version"] = scope.version;
    }
    for (const { name: key, default: usual } of this.#more) {
      const value = attributes[key] ?? resource[key] ?? usual;
      if (value !== undefined) all[key] = value;
    }
    return all;
  }

  /** What `of` is made of beside service, name, kind and status, as text: the same text, the same attributes. */
  valuesOf({ scope, resource, attributes }: Labels): string {
    const values: unknown[] = this.#more.map(({ name }) => attributes[name] ?? resource[name]);
    if (this.#scopes.includes(scope.name)) values.push(scope);
    return JSON.stringify(values, exact);
  }
}

/** JSON has no whole numbers of 64 bits, infinities and absent entries. */
function exact(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return { int: String(value) };
  if (typeof value === "number" && !Number.isFinite(value)) return { double: String(value) };
  return value === undefined ? { absent: true } : value;
}
