// What a detector of intervals counts: series, and parts of them, by the rows of the agent's table.
import { type Batch, type Labels, z } from "../api/index.ts";
import { labelsShape } from "../api/saved.ts";
import { hash0, hash1, hashBytes, mix } from "../otlp/identity.ts";
import { clipped } from "../otlp/labels.ts";
import { NO_SERIES, type RowOwner, SeriesTable } from "../series/table.ts";
import type { matching } from "./match.ts";
import type { Source } from "./source.ts";
import type { Tally } from "./tally.ts";

type Counted = "logs" | "traces";

// In the map from the table's rows: larger values are a member + WATCHED.
const UNDECIDED = 0;
const IGNORED = 1;
const WATCHED = 2;

const LONGEST_NAME = 1024;

/** What members have in common, of which there may be many. */
const NO_SCOPE: Labels["scope"] = { name: "", version: "" };
const NO_ATTRIBUTES: Labels["attributes"] = {};

/** A series, or a part of one. */
export interface Member {
  readonly labels: Labels;
  readonly source: Source;
  /** Of a part: the whole. */
  readonly whole: number;
  /** By name; of a whole that has any. */
  parts: Map<string, number> | undefined;
  /** Row of the table that it is counted from; -1 while it is not. */
  row: number;
}

/** As it is kept in a snapshot: `whole` is the number of another one, -1 where it is one itself. */
export const savedMemberShape = z.object({
  identity: z.tuple([z.int(), z.int()]),
  member: z.int().min(0),
  labels: labelsShape,
  whole: z.int().min(-1),
});
export type SavedMember = z.infer<typeof savedMemberShape>;

/** Told when members come and go. `capacity` is the number of members to be ready for; a part has a `whole`, others -1. */
export interface MemberOwner {
  grow(capacity: number): void;
  taken(member: number): void;
  forgotten(member: number, whole: number): void;
}

export class Members implements RowOwner {
  /** Of members; the series of the detector that judges them are its rows. */
  readonly identities: SeriesTable;
  readonly #table: SeriesTable;
  readonly #tally: Tally;
  readonly #allows: ReturnType<typeof matching>;
  readonly #owner: MemberOwner;
  readonly #known: (Member | undefined)[] = [];
  #map = new Int32Array(0);
  #hash0 = new Int32Array(0);
  #hash1 = new Int32Array(0);
  readonly #id = { hash0: new Int32Array(1), hash1: new Int32Array(1), series: new Uint32Array(1) };
  readonly #encoder = new TextEncoder();

  /** Those of the rows of `table` that `allows` lets in are counted in `tally`; at most `limit` members are remembered. */
  constructor(
    table: SeriesTable,
    tally: Tally,
    allows: ReturnType<typeof matching>,
    limit: number,
    owner: MemberOwner,
  ) {
    this.#table = table;
    this.#tally = tally;
    this.#allows = allows;
    this.#owner = owner;
    this.identities = new SeriesTable(limit);
    this.identities.own({ grow: (capacity) => this.#grow(capacity), recycle: (member) => this.forget(member) });
    table.own(this);
  }

  get byteLength(): number {
    return this.#map.byteLength + this.identities.byteLength;
  }

  stop(): void {
    this.#table.disown(this);
  }

  /** Of one that is remembered. */
  get(member: number): Member {
    return this.#known[member]!;
  }

  partsOf(whole: number): Iterable<number> {
    return this.#known[whole]?.parts?.values() ?? [];
  }

  grow(capacity: number): void {
    const map = new Int32Array(capacity);
    map.set(this.#map);
    this.#map = map;
  }

  recycle(row: number): void {
    const code = this.#map[row];
    this.#map[row] = UNDECIDED;
    const member = code >= WATCHED ? this.#known[code - WATCHED] : undefined;
    if (member) member.row = -1;
  }

  #grow(capacity: number): void {
    this.#tally.grow(capacity);
    this.#hash0 = new Int32Array(capacity);
    this.#hash1 = new Int32Array(capacity);
    this.#owner.grow(capacity);
  }

  forget(member: number): void {
    const known = this.#known[member];
    if (!known) return;
    this.#known[member] = undefined;
    if (known.row >= 0 && this.#map[known.row] === member + WATCHED) this.#map[known.row] = UNDECIDED;
    for (const part of known.parts?.values() ?? []) {
      // a part without its whole is counted no more, and goes when its room is wanted
      const own = this.#known[part];
      if (own) this.#tally.leave(own.source, part);
      this.#known[part] = undefined;
      this.#owner.forgotten(part, member);
    }
    this.#owner.forgotten(member, known.whole);
    const whole = known.whole >= 0 ? this.#known[known.whole] : undefined;
    whole?.parts?.delete(known.labels.part!);
    this.#tally.leave(known.source, member);
  }

  /** The member that row i of the batch counts in, -1 for none; `row` is that of its series in the table. */
  of(batch: Batch<Counted>, i: number, row: number): number {
    const code = this.#map[row];
    if (code >= WATCHED) return code - WATCHED;
    return code === IGNORED ? -1 : this.#decide(batch, i, row);
  }

  #decide(batch: Batch<Counted>, i: number, row: number): number {
    const labels = batch.labels(i);
    const [h0, h1] = this.#table.identity(row);
    if (this.#allows && !this.#allows(labels)) {
      // it was let in before a restart or reload
      const restored = this.identities.find(h0, h1);
      if (restored >= 0) this.forget(restored);
      this.#map[row] = IGNORED;
      return -1;
    }
    const member = this.#member(h0, h1, () => ({ labels: named(labels), whole: -1, row }));
    if (member < 0) return -1;
    this.#known[member]!.row = row;
    this.#map[row] = member + WATCHED;
    return member;
  }

  /** The member of an identity, -1 where there is no room for it. */
  #member(h0: number, h1: number, make: () => Pick<Member, "labels" | "whole" | "row">): number {
    const { hash0, hash1, series } = this.#id;
    hash0[0] = h0;
    hash1[0] = h1;
    this.identities.assign(hash0, hash1, 1, series);
    const member = series[0];
    if (member === NO_SERIES) return -1;
    if (!this.#known[member]) {
      const made = make();
      const { resource } = made.labels;
      const source = this.#tally.source(`${resource["service.namespace"] ?? ""}\n${resource["service.name"] ?? ""}`);
      source.resource ??= resource;
      const labels = { ...made.labels, resource: source.resource, scope: NO_SCOPE, attributes: NO_ATTRIBUTES };
      this.#known[member] = { ...made, labels, source, parts: undefined };
      this.#tally.clear(member);
      this.#owner.taken(member);
      this.#tally.join(source, member);
    }
    return member;
  }

  /** The part of a whole that bears this name, made where there is none; -1 without room for it. */
  part(whole: number, name: string): number {
    const known = this.#known[whole]!;
    known.parts ??= new Map();
    const there = known.parts.get(name);
    if (there !== undefined) return there;
    const [w0, w1] = this.identities.identity(whole);
    const bytesOf = this.#encoder.encode(name);
    hashBytes(bytesOf, new DataView(bytesOf.buffer), 0, bytesOf.length, 1);
    mix(w0, w1, hash0, hash1);
    const labels = { ...known.labels, part: name };
    const part = this.#member(hash0, hash1, () => ({ labels, whole, row: -1 }));
    if (part < 0) return -1;
    if (this.#known[whole] !== known) {
      // the whole had to make room for it
      this.forget(part);
      return -1;
    }
    known.parts.set(name, part);
    return part;
  }

  /** What was counted keeps its place when there is no room for what is new. Overwrites the first `count` of `members`. */
  touch(members: Uint32Array, count: number): void {
    this.identities.identities(members, count, this.#hash0, this.#hash1);
    this.identities.assign(this.#hash0, this.#hash1, count, members);
  }

  /** All, by labels that name them after a restart too. */
  save(labelsOf: (member: number) => Labels): SavedMember[] {
    return this.#known.flatMap((known, member) =>
      known
        ? [{ identity: this.identities.identity(member), member, labels: labelsOf(member), whole: known.whole }]
        : [],
    );
  }

  /** Takes those in whose identities were restored. */
  restore(saved: readonly SavedMember[]): void {
    const members = new Map<number, number>();
    // wholes come before their parts
    for (const { identity, member, labels, whole } of saved.toSorted((a, b) => a.whole - b.whole)) {
      const [h0, h1] = identity;
      if (whole >= 0 && !members.has(whole)) continue;
      if (this.identities.find(h0, h1) < 0) continue;
      const own = members.get(whole) ?? -1;
      const id = this.#member(h0, h1, () => ({ labels, whole: own, row: -1 }));
      members.set(member, id);
      if (own < 0) continue;
      const known = this.#known[own]!;
      known.parts ??= new Map();
      known.parts.set(labels.part!, id);
    }
  }
}

/** What makes a series of spans or records, of the labels of one row of it. */
function named({ resource, scope, attributes, template, example, ...labels }: Labels): Labels {
  const keys = ["service.namespace", "service.name"].filter((key) => resource[key] !== undefined);
  const short = <T>(value: T) => (typeof value === "string" ? clipped(value, LONGEST_NAME) : value);
  const own = Object.fromEntries(keys.map((key) => [key, short(resource[key])]));
  const name = clipped(labels.name, LONGEST_NAME);
  return { ...labels, name, resource: own, scope: NO_SCOPE, attributes: NO_ATTRIBUTES, traceId: "", spanId: "" };
}
