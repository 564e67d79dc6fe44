// What a service has said so far: its statements, those that are new, and the event that new ones belong to.
import type { Labels } from "vedette";
import { Discoveries } from "vedette/counts";
import { kindOf, RANKS } from "./surprise.ts";
import { differInOne, isMoreGeneral, isVariant } from "./words.ts";

/** A statement is watched for so long after its first sight. Milliseconds. */
export const WATCHED = 3_600_000;
/** Sights within so long count once. */
const APART = 10_000;
const MINUTE = 60_000;
const DAY = 86_400_000;
/** Statements that are compared with. */
const ALIKE = 512;
/** Versions that are remembered, so that instances of two of them are no change a minute. */
const MOST_VERSIONS = 8;

export interface Statement {
  /** 16 hex digits. */
  readonly id: string;
  readonly rank: number;
  readonly variant: boolean;
  /** Hashes of its words, while it is one that others are compared with. */
  words: Int32Array | undefined;
  /** Unix milliseconds. */
  readonly first: number;
  /** Rarity of its first sight; NaN where that was while the service was learnt, or in a flood. */
  readonly rarity: number;
  /** Number of the day of its last sight. */
  day: number;
  /** While it is watched: its records, the last that counted as one more sight, and what such added. */
  records: number;
  last: number;
  added: number;
  /** Rarity that was tried and not raised. */
  tried: number;
  /** Whether it belongs to an event that was told. */
  part: boolean;
}

/** One that waits to be told with others. */
export interface Candidate {
  readonly statement: Statement;
  /** With the template as it was when it was last looked at. */
  labels: Labels;
}

/** New statements that came one after the other, told once. */
export interface Event {
  readonly began: number;
  until: number;
  rank: number;
}

export class Service {
  readonly key: string;
  began: number;
  readonly statements = new Map<string, Statement>();
  /** By kind. */
  readonly discoveries = Array.from({ length: 2 * RANKS }, () => new Discoveries());
  /** Those that others are compared with. */
  recent: Statement[] = [];
  /** Since when candidates wait, Unix milliseconds. */
  waiting = Number.NaN;
  candidates: Candidate[] = [];
  event: Event | undefined;
  /** Values of service.version, the latest last, and since when the last; NaN while there was but one. */
  versions: string[] = [];
  changed = Number.NaN;
  /** Series of the agent that are of it. */
  series = 0;

  constructor(key: string, began: number) {
    this.key = key;
    this.began = began;
  }

  /** Whether a template of these words is a variant of one that was learnt of late. */
  hasLike(words: Int32Array): boolean {
    return this.recent.some((other) => isVariant(words, other.words!));
  }

  /** Whether a template of these words is one that was learnt of late, and has grown more general. */
  hasMoreOf(words: Int32Array): boolean {
    return this.recent.some((other) => isMoreGeneral(words, other.words!));
  }

  /** Whether what was told of late was the same but for a word, and no milder. */
  wasToldLike(words: Int32Array, rank: number, time: number): boolean {
    const isLike = (other: Statement) =>
      other.part && other.rank >= rank && Math.abs(time - other.first) <= DAY && differInOne(words, other.words!);
    return this.recent.some(isLike);
  }

  /** Whether so many of a rank were new within a minute that one more is not worth a look. */
  isFlooded(rank: number, time: number): boolean {
    const since = time - MINUTE;
    const kinds = [kindOf(rank, false), kindOf(rank, true)];
    return kinds.some((kind) => this.discoveries[kind].areAllSince(since));
  }

  /** Takes it as known. */
  add(statement: Statement): void {
    this.statements.set(statement.id, statement);
    this.discoveries[kindOf(statement.rank, statement.variant)].add(statement.first);
    this.compareWith(statement);
  }

  compareWith(statement: Statement): void {
    this.recent.push(statement);
    if (this.recent.length > ALIKE) this.recent.shift()!.words = undefined;
  }

  /** Sees a known one again: whether that counts as one more sight. */
  see(statement: Statement, time: number): boolean {
    statement.day = Math.floor(time / DAY);
    statement.records++;
    if (Math.abs(time - statement.last) < APART) return false;
    statement.last = time;
    return true;
  }

  /** Nothing waits any more. */
  settle(): void {
    this.candidates = [];
    this.waiting = Number.NaN;
  }

  /** Forgets an eighth: first what did not come again within an hour, then what was not seen for longest. */
  shrink(): void {
    const all = [...this.statements.values()];
    const isKnown = ({ first, last }: Statement) => Number(last - first > WATCHED);
    all.sort((a, b) => isKnown(a) - isKnown(b) || a.day - b.day);
    for (const { id } of all.slice(0, Math.ceil(all.length / 8))) this.statements.delete(id);
    this.recent = this.recent.filter(({ id }) => this.statements.has(id));
    this.candidates = this.candidates.filter(({ statement }) => this.statements.has(statement.id));
    if (this.candidates.length === 0) this.waiting = Number.NaN;
  }

  follow({ resource }: Labels, time: number): void {
    const version = String(resource["service.version"] ?? "");
    const { versions } = this;
    if (version === "" || versions.includes(version)) return;
    if (versions.length > 0) this.changed = time;
    versions.push(version);
    if (versions.length > MOST_VERSIONS) versions.shift();
  }

  /** The version that the service has had since `time` or later. */
  versionSince(time: number): string | undefined {
    return this.changed >= time ? this.versions[this.versions.length - 1] : undefined;
  }
}
