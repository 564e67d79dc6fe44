// The sections of a configuration and the ids of the components in them.

export const SECTIONS = ["receivers", "processors", "connectors", "exporters", "extensions"] as const;
export type Section = (typeof SECTIONS)[number];

/** "receiver" for "receivers". */
export const singular = (section: Section) => section.slice(0, -1);

/** "an exporter", "a receiver". */
export const oneOf = (section: Section) => `${section.startsWith("e") ? "an" : "a"} ${singular(section)}`;

/** `id` is "type" or "type/name"; `name` is empty without one. */
export interface ComponentId {
  readonly id: string;
  readonly type: string;
  readonly name: string;
}

/** Takes "otlp" and "otlp / inside" apart; blanks around the parts do not count. A string says what is wrong. */
export function parseId(text: string): ComponentId | string {
  const slash = text.indexOf("/");
  const type = (slash < 0 ? text : text.slice(0, slash)).trim();
  const name = slash < 0 ? "" : text.slice(slash + 1).trim();
  if (!/^[a-z][a-z0-9_]*$/.test(type)) return "a component is named type or type/name, the type in snake_case";
  if (slash >= 0 && name === "") return "a name must follow the slash";
  if (/\p{Cc}/u.test(name)) return "a name cannot hold control characters";
  return { id: name === "" ? type : `${type}/${name}`, type, name };
}
