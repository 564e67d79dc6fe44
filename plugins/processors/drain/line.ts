// Reads a line of text into tokens: which words are constants, which are parameters, by what they are made of and what stands beside them.
import { Class } from "./byte_class.ts";
import {
  closing,
  endOfAngle,
  endOfBracketed,
  endOfBrackets,
  endOfEscape,
  endOfOrdinal,
  endOfQuoted,
  endOfQuotedValue,
  endOfQuotedWord,
  endOfThread,
} from "./enclosed.ts";
import { namesException, readFrames, startsFrame } from "./frames.ts";
import { hashOf, hashOfMark, MOST_TOKENS, mixed, PARAMETER, WORD_SEED } from "./hash.ts";
import { isHex, isHostAndPort, isLogger, isParameterByShape, isPartOfAddress, namesClass } from "./shapes.ts";
import { Kind, type Tokens } from "./tokens.ts";
import { Sense, senseOf } from "./vocabulary.ts";
import { afterDot, classesIn, dots, endOfNumber, scanRest, wordEnd } from "./word.ts";

/** Most bytes of a record that are looked at. */
export const MOST_BYTES = 4096;

// names of their own, since the compiler knows the value of a constant and not that of an object's field
const { blank, delimiter, digit, lower, underscore, upper, word: ofWord } = Class;
const { fixed, mark, parameter, value: fewValues, word } = Kind;
const {
  boolean: truth,
  calendar,
  enumeration,
  extension,
  grammar,
  level,
  message,
  method: verb,
  name: named,
  none: noValue,
  strong,
  to: toward,
  unit,
  weak,
} = Sense;

const EXPECTING = strong | weak | verb | toward;
const [OPEN, OPEN_LIST, CLOSE_LIST, COLON, LESS, EQUALS, MORE] = Buffer.from("([]:<=>");
const [QUOTE, APOSTROPHE, DOT, SLASH, LINE_FEED] = Buffer.from("\"'./\n");
const BLANK = 32;
const TAB = 9;
const ESCAPE = 27;
const LETTER = upper | lower;
const LOWER_CASE = 0x20202020;
const ENDS = blank | delimiter;
/** Fewer words say nothing. */
const FEW_WORDS = 3;
/** A run of marks is a ruler from this length on; letters that are hexadecimal digits are an id. */
const RULER = 3;
const SHORTEST_HEX = 8;
const SHORTEST_PARTICIPLE = 6;

/**
 * Appends the tokens of bytes[from, end) to `tokens`. A line ends at its first line feed; frames may follow. `view` is of the same bytes,
 * `classes` of `byteClasses`. Nearly all that a known line costs is here: one loop, in which only what is rare is a call.
 */
export function readLine(
  tokens: Tokens,
  bytes: Uint8Array,
  view: DataView,
  classes: Uint16Array,
  from: number,
  end: number,
): void {
  const { kind: kinds, hash: hashes, start: starts, end: ends } = tokens;
  const to = end - from > MOST_BYTES ? from + MOST_BYTES : end;
  const first = tokens.length;
  let n = first;
  /** The last parameter, while nothing but marks has come since: parameters that only marks divide are one. */
  let open = -1;
  /** The mark just before; 0 where another token is. */
  let before = 0;
  let spaced = true;
  /** Senses of the last word, and those of them that say what comes next. */
  let sense = 0;
  let expects = 0;
  let i = from;
  while (i < to && n < MOST_TOKENS) {
    const c = bytes[i];
    const f = classes[c];
    if ((f & blank) !== 0) {
      i++;
      if (c < BLANK) {
        if (c === ESCAPE) i = endOfEscape(bytes, i, to);
        else if (c === LINE_FEED && n > first && !isHeader(kinds, first, n, bytes, i, to)) {
          tokens.length = n;
          readFrames(tokens, bytes, i, to);
          return;
        }
      }
      spaced = true;
      continue;
    }
    let kind: number = mark;
    let hash = 0;
    let meaning = 0;
    let next = i + 1; // where to go on
    let stop = next; // where the token ends
    if ((f & delimiter) !== 0 || (c === DOT && next < to && bytes[next] === DOT)) {
      while (next < to && bytes[next] === c) next++;
      stop = next;
      hash = hashOfMark[c];
      if (next === i + 1) {
        let closed = -1; // where a value has ended that the mark is part of
        let inner = -1; // where one ends that the mark stands before
        if (c === QUOTE || c === APOSTROPHE) {
          if (before === EQUALS || before === COLON) {
            if ((sense & message) === 0) closed = endOfQuoted(bytes, i, to);
          } else if (n > first && before !== CLOSE_LIST) {
            if (spaced && open >= 0) closed = endOfQuotedValue(bytes, i, to);
            if (closed < 0 && (spaced || before !== 0)) inner = endOfQuotedWord(bytes, classes, i, to);
          }
        } else if (c === OPEN_LIST) {
          const isAfterLevel = (sense & level) !== 0 || (n > first && kinds[n - 1] === fixed);
          if (spaced) inner = endOfThread(bytes, classes, i, to, isAfterLevel);
          if (inner < 0 && spaced && !isAfterLevel && n > first && kinds[n - 1] === word)
            inner = endOfBracketed(bytes, classes, next, to);
        } else if (c === LESS || c === MORE) {
          if (c === LESS && before === EQUALS) closed = endOfAngle(bytes, classes, i, to);
          else if (
            spaced &&
            next < to &&
            (classes[bytes[next]] & digit) !== 0 &&
            endOfAngle(bytes, classes, i, to) < 0
          ) {
            i = next; // "<1 sec" is a duration as "1 sec" is
            continue;
          }
        }
        if (closed > 0) {
          next = stop = closed;
          kind = parameter;
          if ((sense & enumeration) !== 0) {
            kind = fewValues;
            hash = hashOf(bytes, i + 1, closed - 1);
          }
        } else if (inner > 0) {
          kinds[n] = mark;
          hashes[n] = hash;
          starts[n] = i;
          ends[n] = next;
          n++;
          i = next;
          next = stop = inner;
          kind = parameter;
        }
      }
      if (kind === mark) {
        before = c;
        expects = 0;
      }
    } else if ((f & digit) !== 0) {
      next = stop = endOfNumber(bytes, classes, i, to);
      kind = parameter;
      if (bytes[stop - 1] === DOT)
        stop--; // a full stop
      else if (next < to && (classes[bytes[next]] & delimiter) !== 0) {
        if (bytes[next] === OPEN && expects !== 0) next = stop = endOfOrdinal(bytes, classes, stop, to);
        else if (!spaced && before === EQUALS) next = stop = endOfBrackets(bytes, stop, to);
      }
    } else {
      // letters, four at a time: the sign bit of a byte of `others` says that it is none
      let letters = 0;
      let others = 0;
      hash = WORD_SEED;
      stop = i;
      while (stop + 4 <= to) {
        const four = view.getInt32(stop, true);
        const folded = four | 0x20202020;
        others = (~(((folded + 0x1f1f1f1f) | 0) & ~((folded + 0x05050505) | 0)) | four) & 0x80808080;
        if (others !== 0) {
          const bits = (31 - Math.clz32(others & -others)) & 24;
          if (bits > 0) {
            const some = four & ((1 << bits) - 1);
            hash = mixed(hash, some);
            letters |= some;
            stop += bits >> 3;
          }
          break;
        }
        hash = mixed(hash, four);
        letters |= four;
        stop += 4;
      }
      if (others === 0) {
        let some = 0;
        for (let bits = 0; stop < to && (classes[bytes[stop]] & LETTER) !== 0; bits += 8) some |= bytes[stop++] << bits;
        if (some !== 0) hash = mixed(hash, some);
        letters |= some;
      }
      next = stop;
      let after = stop < to ? bytes[stop] : BLANK;
      let any: number = (letters & LOWER_CASE) !== 0 ? ofWord | lower : ofWord | upper;
      let dotted = 0;
      let plain = stop > i && (classes[after] & ENDS) !== 0 && after !== COLON;
      if (!plain) {
        scanRest(bytes, classes, i, stop, to, stop > i ? any : 0);
        if (wordEnd > stop) hash = 0;
        next = stop = wordEnd;
        any = classesIn;
        dotted = dots;
        let lastPart = afterDot;
        if (stop - i > 1 && bytes[stop - 1] === DOT) {
          stop--; // a full stop
          dotted--;
          lastPart = stop;
          while (lastPart > i && bytes[lastPart - 1] !== DOT) lastPart--;
          hash = 0;
        }
        after = stop < to ? bytes[stop] : BLANK;
        if ((any & ofWord) === 0) {
          if (stop - i >= RULER) kind = fixed;
          else if (c === SLASH && stop === i + 1 && (before === EQUALS || before === COLON)) kind = parameter;
          hash = stop - i === 1 ? hashOfMark[c] : hashOf(bytes, i, stop);
        } else if (
          isParameterByShape(i, stop) ||
          (dotted === 1 && after === COLON && isHostAndPort(bytes, classes, i, stop, to)) ||
          (dotted === 1 && after !== OPEN && (senseOf(hashOf(bytes, lastPart, stop)) & extension) !== 0)
        ) {
          kind = parameter;
        } else if (dotted >= 2) {
          if ((sense & level) !== 0) kind = word;
          else if (!namesClass(bytes, classes, lastPart, stop)) kind = parameter;
          else if (namesException(bytes, i, stop) || isLogger(bytes, stop, to)) kind = word;
          else kind = before === COLON || before === EQUALS ? fewValues : parameter;
          hash = hashOf(bytes, i, stop);
        } else {
          plain = true;
          if (hash === 0) hash = hashOf(bytes, i, stop);
        }
      }
      if (expects === verb) kind = parameter;
      else if (plain) {
        const length = stop - i;
        meaning = senseOf(hash);
        const isValue = before === EQUALS;
        if (length >= SHORTEST_HEX && isHex(bytes, classes, i, stop)) kind = parameter;
        else if (
          length >= 2 &&
          length <= 4 &&
          isPartOfAddress(bytes, classes, i, stop, to, continuesAddress(kinds, n, before, spaced))
        )
          kind = parameter;
        else if ((meaning & (noValue | calendar)) !== 0) kind = parameter;
        else if ((meaning & unit) !== 0 && n > first && kinds[n - 1] === parameter) kind = parameter;
        else if (isValue)
          kind = dotted > 0 || closing(after) !== 0 || (sense & enumeration) === 0 ? parameter : fewValues;
        else if ((meaning & (truth | grammar)) !== 0) kind = word;
        else if (expects === strong && !isParticiple(bytes, i, stop)) kind = parameter;
        else if (before === COLON && spaced && (sense & named) !== 0) kind = parameter;
        else if (expects !== 0 && (meaning & strong) === 0 && isExpected(bytes, classes, expects, any, stop, to))
          kind = parameter;
        else kind = n > first && isNameInSnakeCase(any, after) ? parameter : word;
      }
      if (kind === parameter && next === stop) {
        if (after === OPEN && expects !== 0) next = stop = endOfOrdinal(bytes, classes, stop, to);
        else if (!spaced && before === EQUALS) next = stop = endOfBrackets(bytes, stop, to);
      } else if (kind === mark) before = stop - i === 1 ? c : 0;
    }
    spaced = false;
    if (kind !== mark) {
      before = 0;
      expects = kind === word ? meaning & EXPECTING : 0;
      sense = meaning;
      if (kind !== parameter) open = -1;
      else if (open >= 0) {
        // what stands between two parameters is part of them, with what closes a bracket or quote there
        if (n > open + 1 && next < to && closes(bytes[starts[n - 1]], bytes[next])) stop = ++next;
        n = open + 1;
        ends[open] = stop;
        i = next;
        continue;
      } else {
        open = n;
        hash = PARAMETER;
      }
    }
    kinds[n] = kind;
    hashes[n] = hash;
    starts[n] = i;
    ends[n] = stop;
    n++;
    i = next;
  }
  tokens.length = n;
}

/** Whether the line read so far only says where the record is from: it ends with a colon, or has few words and the next is indented; and that is no frame. */
function isHeader(kinds: Uint8Array, first: number, n: number, bytes: Uint8Array, next: number, to: number): boolean {
  if (next >= to || startsFrame(bytes, next, to)) return false;
  if (bytes[next - 2] === COLON) return true;
  if (bytes[next] !== BLANK && bytes[next] !== TAB) return false;
  let words = 0;
  for (let i = first; i < n; i++) if (kinds[i] === word) words++;
  return words < FEW_WORDS;
}

/** Whether the mark `c` ends what the mark `opened` began. */
function closes(opened: number, c: number): boolean {
  return c === closing(opened) || (c === opened && (c === QUOTE || c === APOSTROPHE));
}

/** Whether two hexadecimal digits may go on an address that has begun: a colon before them, a parameter before that. */
function continuesAddress(kinds: Uint8Array, n: number, before: number, spaced: boolean): boolean {
  return !spaced && before === COLON && n > 1 && kinds[n - 2] === parameter;
}

/** Whether the word that ends at `stop` is the name that a preposition announces: another one follows, or a number in brackets. */
function isExpected(
  bytes: Uint8Array,
  classes: Uint16Array,
  expects: number,
  any: number,
  stop: number,
  to: number,
): boolean {
  if (stop + 1 >= to) return false;
  if (bytes[stop] === OPEN) return (expects & weak) !== 0 || (classes[bytes[stop + 1]] & digit) !== 0;
  if ((expects & weak) === 0 || (any & lower) === 0 || bytes[stop] !== BLANK) return false;
  let end = stop + 1;
  while (end < to && (classes[bytes[end]] & LETTER) !== 0) end++;
  return (senseOf(hashOf(bytes, stop + 1, end)) & (weak | toward)) !== 0;
}

/** Whether the word ends in "ed", and is longer than "fred": what became of somebody, not who. */
function isParticiple(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start >= SHORTEST_PARTICIPLE && bytes[end - 2] === 101 && bytes[end - 1] === 100;
}

/** Whether the word that was scanned is such a name, and neither key nor function by what stands after it. */
function isNameInSnakeCase(any: number, after: number): boolean {
  const both = underscore | lower;
  return (any & (both | upper)) === both && after !== OPEN && after !== EQUALS && after !== COLON;
}
