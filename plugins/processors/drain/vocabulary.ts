// Words that say something of what stands beside them, in any system's logs: found by hash.
import { hashOfText } from "./hash.ts";

export const Sense = {
  /** "for", "from": a name may follow, as in "for root from 10.0.0.1". */
  weak: 1,
  /** "user", "host": a name follows. */
  strong: 2,
  /** "null", "none": no value, so a value's place. */
  none: 4,
  boolean: 8,
  /** A day or a month. */
  calendar: 16,
  /** "ms", "KB", "UTC": after a number, part of it. */
  unit: 32,
  /** An HTTP method: a path follows. */
  method: 64,
  /** A key whose value is text for people. */
  message: 128,
  /** A key whose values are few. */
  enumeration: 256,
  /** "to", "at", "on". */
  to: 512,
  /** A key whose value is an exception with its stack. */
  exception: 1024,
  /** A key behind whose colon a name stands: of people, machines, things. */
  name: 2048,
  /** A word of grammar, which is no name. */
  grammar: 4096,
  /** What the names of files, and of systemd's units, end in. */
  extension: 8192,
  /** How serious a line is: the name of a logger or thread follows. */
  level: 16384,
} as const;

const WORDS: readonly (readonly [sense: number, words: string])[] = [
  [Sense.strong, "user User host username hostname topic group schema bucket backend frontend namespace keyspace"],
  [
    Sense.name,
    "user User username Username userName name Name host Host hostname Hostname domain Domain account Account",
  ],
  [
    Sense.grammar,
    "a an the this that these and or nor but not no of in on at to by with from for as is are was were be been has have had it its all any each which while when if than then",
  ],
  [
    Sense.extension,
    "exe dll so jar war py js ts go rs rb php java class cs cpp cc hpp sh bat json xml yml yaml toml ini cfg conf properties log txt csv tsv md html htm css png jpg jpeg gif svg ico pdf doc docx xls xlsx zip gz tgz tar bz2 xz zst sql db sqlite lock pid sock tmp bak pem crt cer key parquet avro bin dat img iso service socket timer mount slice target scope",
  ],
  [
    Sense.level,
    "TRACE DEBUG INFO NOTICE WARN WARNING ERROR SEVERE FATAL CRITICAL trace debug info notice warn warning error severe fatal critical INF WRN ERR DBG FTL VRB",
  ],
  [Sense.weak, "for from by"],
  [Sense.to, "to at on"],
  [Sense.method, "GET POST PUT DELETE HEAD PATCH OPTIONS"],
  [Sense.none, "null none nil NULL None undefined nan NaN"],
  [Sense.boolean, "true false TRUE FALSE True False yes no Yes No on off"],
  [Sense.calendar, "Mon Tue Wed Thu Fri Sat Sun Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"],
  [
    Sense.unit,
    "B KB MB GB TB kB KiB MiB GiB b k K M G ms us ns s sec secs min mins h hr hrs AM PM am pm UTC GMT PDT PST EDT EST CDT CST MDT MST CET CEST BST IST",
  ],
  [
    Sense.message,
    "msg message Message MESSAGE event error err text log body reason short_message @message @mt @m {OriginalFormat} textPayload",
  ],
  [
    Sense.enumeration,
    "level severity lvl status state kind type method action code result outcome success ok levelname loglevel LogLevel Level @l severity_text severityText",
  ],
  [Sense.exception, "exception Exception stack stacktrace stack_trace stackTrace exc_info traceback @x error err"],
];

/** Much larger than the words are many, so that most look-ups of others end at once. */
const SIZE = 2048;
const hashes = new Int32Array(SIZE);
const senses = new Uint16Array(SIZE);
const slotOf = (hash: number) => (hash ^ (hash >>> 15)) & (SIZE - 1);

for (const [sense, words] of WORDS) {
  for (const word of words.split(" ")) {
    const hash = hashOfText(word);
    let i = slotOf(hash);
    while (senses[i] !== 0 && hashes[i] !== hash) i = (i + 1) & (SIZE - 1);
    hashes[i] = hash;
    senses[i] |= sense;
  }
}

/** The senses of a word, by its hash; 0 for most. */
export function senseOf(hash: number): number {
  for (let i = slotOf(hash); senses[i] !== 0; i = (i + 1) & (SIZE - 1)) if (hashes[i] === hash) return senses[i];
  return 0;
}
