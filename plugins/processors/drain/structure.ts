// A structured body as tokens: those of its message, then each of its fields.
import { type Fields, Value } from "./fields.ts";
import { namesException } from "./frames.ts";
import { hashOf, hashOfText, mixed, PARAMETER } from "./hash.ts";
import { Kind, type Tokens } from "./tokens.ts";
import { Sense } from "./vocabulary.ts";

/** Keys whose text is what the record says, the first that is there: templates that loggers know themselves, then messages. */
const MESSAGES = Int32Array.from(
  "@mt {OriginalFormat} message msg Message MESSAGE @message short_message @m textPayload text log body event error err reason"
    .split(" ")
    .map(hashOfText),
);
/** Longest value of an enumeration, in bytes. */
const LONGEST_VALUE = 32;
/** Told apart from the hash of a word. */
const FIELD = 0x3c6ef372;

/** The field that says what happened: at the top, or one level below; -1 for none. */
export function messageOf(fields: Fields): number {
  let best = -1;
  let bestRank = MESSAGES.length * 2;
  for (let i = 0; i < fields.length; i++) {
    if ((fields.sense[i] & Sense.message) === 0 || fields.type[i] !== Value.text || fields.start[i] === fields.end[i])
      continue;
    const parent = fields.parent[i];
    if (parent >= 0 && fields.parent[parent] >= 0) continue;
    const own = fields.own[i];
    const place = MESSAGES.indexOf(own);
    const rank = place + (parent < 0 ? 0 : MESSAGES.length);
    if (place >= 0 && rank < bestRank) {
      best = i;
      bestRank = rank;
    }
  }
  return best;
}

/** Appends a token for the key of each field but the message, and one for its value, in the order of the keys. */
export function readFields(tokens: Tokens, fields: Fields, bytes: Uint8Array, message: number): void {
  fields.sort(bytes);
  for (let i = 0; i < fields.length; i++) {
    const field = fields.order[i];
    const type = fields.type[field];
    if (field === message || type === 0) continue;
    const start = fields.start[field];
    const end = fields.end[field];
    const sense = fields.sense[field];
    tokens.push(Kind.key, mixed(fields.hash[field], FIELD), field, field);
    const few = (sense & Sense.enumeration) !== 0 && end - start <= LONGEST_VALUE && end > start;
    if (few && (type === Value.text || type === Value.boolean)) {
      tokens.push(Kind.value, hashOf(bytes, start, end), start, end);
    } else if ((sense & Sense.exception) !== 0 && type === Value.text) {
      const stop = endOfType(bytes, start, end);
      if (namesException(bytes, start, stop)) tokens.push(Kind.fixed, hashOf(bytes, start, stop), start, stop);
      else tokens.push(Kind.parameter, PARAMETER, start, end);
    } else tokens.push(Kind.parameter, PARAMETER, start, end);
  }
}

/** Where the first word of an exception's text ends: at a colon, a blank, or an escaped line feed. */
function endOfType(bytes: Uint8Array, start: number, end: number): number {
  let i = start;
  while (i < end && bytes[i] > 32 && bytes[i] !== 58 && bytes[i] !== 92) i++;
  return i;
}
