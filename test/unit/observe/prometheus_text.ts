// A strict reader of Prometheus's text format 0.0.4: anything out of order is an error.
import assert from "node:assert/strict";

export interface TextFamily {
  readonly type: string;
  readonly help: string;
  readonly samples: { readonly name: string; readonly labels: Record<string, string>; readonly value: number }[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"/;
const SUFFIXES: Record<string, readonly string[]> = { histogram: ["_bucket", "_sum", "_count"] };

const unescaped = (text: string) => text.replace(/\\(.)/g, (_, character) => (character === "n" ? "\n" : character));

function numberOf(text: string): number {
  const special: Record<string, number> = { NaN: Number.NaN, "+Inf": Infinity, "-Inf": -Infinity };
  if (text in special) return special[text];
  assert.match(text, /^-?\d+(\.\d+)?(e[+-]?\d+)?$/);
  return Number(text);
}

function sampleOf(line: string) {
  const name = NAME.exec(line)?.[0];
  assert.ok(name, `no metric name: ${line}`);
  const labels: Record<string, string> = {};
  let rest = line.slice(name.length);
  if (rest.startsWith("{")) {
    rest = rest.slice(1);
    while (!rest.startsWith("}")) {
      const label = LABEL.exec(rest);
      assert.ok(label, `no label at ${rest}`);
      assert.ok(!Object.hasOwn(labels, label[1]), `label ${label[1]} twice: ${line}`);
      labels[label[1]] = unescaped(label[2]);
      rest = rest.slice(label[0].length);
      if (rest.startsWith(",")) rest = rest.slice(1);
      else assert.ok(rest.startsWith("}"), `no comma: ${line}`);
    }
    rest = rest.slice(1);
  }
  assert.ok(rest.startsWith(" "), `no value: ${line}`);
  return { name, labels, value: numberOf(rest.slice(1)) };
}

/** Families by name: each with HELP, then TYPE, then all its samples, no series twice. */
export function readText(text: string): Map<string, TextFamily> {
  assert.ok(text.endsWith("\n"), "the last line must end");
  const families = new Map<string, TextFamily>();
  const seen = new Set<string>();
  const lines = text.slice(0, -1).split("\n");
  let current = "";
  for (let i = 0; i < lines.length; i++) {
    const help = /^# HELP (\S+) (.*)$/.exec(lines[i]);
    if (help) {
      const type = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(lines[++i]);
      assert.ok(type && type[1] === help[1], `HELP without TYPE: ${help[0]}`);
      assert.ok(!families.has(help[1]), `family twice: ${help[1]}`);
      current = help[1];
      families.set(current, { type: type[2], help: unescaped(help[2]), samples: [] });
      continue;
    }
    const sample = sampleOf(lines[i]);
    const family = families.get(current);
    assert.ok(family, `a sample before any family: ${lines[i]}`);
    const names = (SUFFIXES[family.type] ?? [""]).map((suffix) => current + suffix);
    assert.ok(names.includes(sample.name), `${sample.name} stands among ${current}`);
    const series = JSON.stringify([sample.name, Object.entries(sample.labels).sort()]);
    assert.ok(!seen.has(series), `series twice: ${lines[i]}`);
    seen.add(series);
    family.samples.push(sample);
  }
  for (const [name, { samples }] of families) assert.ok(samples.length > 0, `${name} has no samples`);
  return families;
}
