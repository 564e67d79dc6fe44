// Templates and lines that a user gives to start with.
import type { BodyReader } from "./body.ts";
import type { Miner } from "./miner.ts";
import { wordsOf } from "./render.ts";
import { Kind } from "./tokens.ts";

const PARAMETER = "<*>";
const TEXT = 1;

interface Seeds {
  readonly seed_templates: readonly string[];
  readonly seed_logs: readonly string[];
}

/** Mines them. Blank ones say nothing. */
export function sow({ seed_templates, seed_logs }: Seeds, miner: Miner, reader: BodyReader): void {
  for (const line of seed_logs) mine(line, miner, reader);
  for (const template of seed_templates) {
    // where a number would stand
    const slot = mine(template.replaceAll(PARAMETER, "0"), miner, reader);
    if (slot < 0) continue;
    const known = miner.store.at(slot);
    const places = [...known.kind.keys()].filter((i) => known.kind[i] === Kind.parameter);
    // where any word would
    if (places.length > 0) miner.masks.add(places, known, miner.lines);
  }
}

/** The slot of its template; -1 for a blank line. */
function mine(line: string, miner: Miner, reader: BodyReader): number {
  const bytes = new Uint8Array(Buffer.from(line));
  reader.open(bytes);
  return reader.read(TEXT, 0, bytes.length) ? miner.mine(() => wordsOf(miner.tokens, reader.fields, bytes)) : -1;
}
