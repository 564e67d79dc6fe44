// Looks at nodes when they are due: which silence is one, what fell silent together, and when it is over.
import type { Detection, Finding } from "vedette";
import { type Back, type Group, HEARD, QUIET, TOLD, type Tree } from "./tree.ts";
import { labelsOf, lasting, type Subject, subjectOf, theAgent } from "./words.ts";

/** Seconds. A silence before which a sibling came, or came back, so shortly is a deployment or a rename. */
const REPLACED = 600;
/** A cadence slower than this is not watched. */
const SLOWEST = 3600;
/** What is silent for so long on its parent's clock has gone; where so many have gone, they come and go. */
const GONE_AFTER = 1800;
const COME_AND_GO = 3;
/** Silences that were told and ended so often, within so many seconds of the process, are a habit; only one longer by this factor is judged. */
const HABIT = 3;
const HABIT_WITHIN = 7 * 86_400;
const BEYOND_HABIT = 1.5;
/** Silences below this rarity are not worth looking for company. */
const NOTABLE = 2;
/** A silence that was not told is looked at again when it is longer by this share. */
const AGAIN = 0.25;
/** On the clock of a service: how long it is watched before it is known how few instances it can have, and a day. */
const KNOWN_AFTER = 3600;
const DAY = 86_400;
/** The process itself stood still, or telemetry is replayed in large steps. */
const STOOD_STILL = 30;
/** Seconds that senders are granted at most, after it did, to come again: gRPC waits up to two minutes between attempts. */
const PATIENCE = 150;

export interface Options {
  /** Seconds. */
  readonly min_silence: number;
  readonly forget_after: number;
  /** Gaps that must be known of a node. */
  readonly warmup: number;
}

/** What fell silent for one cause, as it was told. */
export interface Episode {
  readonly subject: Subject;
  readonly group: Group | undefined;
  /** On the group's clock, when its first member was last heard. */
  readonly stamp: number;
  /** Unix milliseconds: when it was told, and when they were last heard. */
  readonly since: number;
  readonly heard: number;
  readonly members: Set<number>;
}

export class Watch {
  readonly tree: Tree;
  /** By member; open ones only. */
  readonly episodes = new Map<number, Episode>();
  /** Silences of a node that were told and ended: when, by `uptime`, and how long. The last HABIT of each. */
  readonly ended = new Map<number, [at: number, length: number][]>();
  /** Of a silence that was not raised yet: since when it lasts, on the clock it is measured by, and how rare it was. */
  readonly #tried = new Map<number, { readonly stamp: number; readonly rarity: number }>();
  readonly #byGroup = new Map<Group | undefined, Set<Episode>>();
  /** Seconds that the process has run, restarts not counted. */
  uptime = 0;
  /** Unix milliseconds of the last tick, and whether any telemetry came since. */
  ticked = Number.NaN;
  arrived = false;
  readonly #options: Options;
  readonly #detection: Detection;
  /** What is forgotten from now on. */
  readonly #dropped: (node: number) => void;

  constructor(tree: (back: Back) => Tree, options: Options, detection: Detection, dropped: (node: number) => void) {
    this.tree = tree((node, time, silence) => this.#back(node, time * 1000, silence));
    this.#options = options;
    this.#detection = detection;
    this.#dropped = dropped;
  }

  /** `now` is in Unix milliseconds. */
  tick(now: number): void {
    const passed = (now - this.ticked) / 1000;
    if (passed > 0 && passed <= STOOD_STILL) this.uptime += passed;
    this.ticked = now;
    const { tree } = this;
    const stamp = tree.stamp[tree.agent.node];
    if (passed > STOOD_STILL && stamp >= 0) {
      tree.stamp[tree.agent.node] = Math.max(stamp, this.uptime + Math.min(passed, PATIENCE));
    }
    this.#watchAgent(now);
    const stirred = tree.stirred;
    tree.stirred = [];
    for (const group of stirred) {
      group.stirred = false;
      if (group.level === "service") keepFewest(group);
      while (group.children.next <= group.clock.now) {
        const node = group.children.first;
        const due = this.#look(group, node, now);
        // never twice in one round, whatever rounding does
        if (due !== undefined) group.children.set(node, Math.max(due, group.clock.now + 1));
      }
    }
  }

  /** The agent has no parent: it listens as long as the process runs. */
  #watchAgent(now: number): void {
    const { tree, uptime } = this;
    const node = tree.agent.node;
    if (this.arrived) {
      this.arrived = false;
      if (tree.state[node] !== HEARD) {
        tree.state[node] = HEARD;
        this.#leave(node, now, "back");
      } else if (tree.stamp[node] >= 0 && uptime > tree.stamp[node]) {
        tree.gaps.learn(node, uptime - tree.stamp[node], uptime);
      }
      tree.stamp[node] = uptime;
      return;
    }
    if (tree.state[node] !== HEARD || !tree.gaps.known(node, this.#options.warmup, uptime, tree.signal !== "metrics"))
      return;
    const gap = uptime - tree.stamp[node];
    if (gap < tree.gaps.shortest(node, 3 * this.#options.min_silence)) return;
    const rarity = tree.gaps.rarity(node, gap);
    const subject = theAgent(tree.signal);
    if (rarity < NOTABLE || !this.#tell(subject, node, gap, rarity, now)) return;
    tree.state[node] = TOLD;
    this.#open(subject, undefined, [node], gap, now);
  }

  /** Judges a node that is due; when to look at it again, on its parent's clock, unless it is gone or silent. */
  #look(group: Group, node: number, now: number): number | undefined {
    const { tree } = this;
    const { gaps } = tree;
    const { warmup, forget_after } = this.#options;
    const clock = group.clock.now;
    const gap = tree.silentFor(node);
    const since = clock - gap;
    const silent = tree.state[node] !== HEARD;
    if (silent || !tree.knows(node, warmup) || gaps.median(node) > SLOWEST) {
      if (clock - tree.stamp[node] >= forget_after) {
        this.#expire(node, now);
        return undefined;
      }
      if (silent) this.#goes(node);
      return silent ? tree.stamp[node] + forget_after : clock + Math.max(tree.later, gaps.median(node));
    }
    const shortest = Math.max(gaps.shortest(node, this.#floor(group)), BEYOND_HABIT * this.#habit(node));
    if (gap < shortest) return since + shortest;
    if (replaced(tree, group, node)) {
      this.#silence(node, QUIET);
      if (group.day > 0) group.fewest = Math.min(group.fewest, group.living);
      return undefined;
    }
    const rarity = gaps.rarity(node, gap);
    if (rarity < NOTABLE) return since + gap * (1 + AGAIN);
    this.#judge(group, node, gap, rarity, now);
    return undefined;
  }

  /** Tells of a silence, with those that began with it, unless it belongs to one that was told. */
  #judge(group: Group, node: number, gap: number, rarity: number, now: number): void {
    const { tree } = this;
    const reach = Math.max(this.#floor(group), 2 * tree.gaps.median(node));
    const joined = this.#companionOf(group, node, reach);
    if (joined) {
      joined.members.add(node);
      this.episodes.set(node, joined);
      this.#silence(node, TOLD);
      return;
    }
    const others = group.children.nodes().filter((each) => each !== node && this.#together(group, each, node, reach));
    const members = [node, ...others];
    // of instances that come and go, half must
    if (group.level === "service" && group.gone >= COME_AND_GO && 2 * members.length < group.living) {
      for (const member of members) this.#silence(member, QUIET);
      return;
    }
    const subject = subjectOf(tree, group, members);
    if (this.#tell(subject, node, gap, rarity, now)) {
      for (const member of members) this.#silence(member, TOLD);
      this.#open(subject, group, members, gap, now);
      return;
    }
    // one look for company serves all of them
    for (const member of members) group.children.set(member, group.clock.now + AGAIN * tree.silentFor(member));
  }

  /** Takes a node out of the living. */
  #silence(node: number, state: typeof QUIET | typeof TOLD): void {
    const { tree } = this;
    tree.silence(node, state, tree.stamp[node] + Math.min(GONE_AFTER, this.#options.forget_after));
  }

  /** It is silent for long, and still remembered. */
  #goes(node: number): void {
    const { tree } = this;
    const parent = tree.parent[node]!;
    const metric = tree.metric[node];
    if (metric) metric.gone++;
    parent.gone++;
    if (parent.level === "service" && parent.day > 0) parent.fewest = Math.min(parent.fewest, parent.living);
  }

  /** How long a silence is nothing new, because the node was silent for that long several times lately; 0 when it was not. */
  #habit(node: number): number {
    const ended = this.ended.get(node);
    if (!ended || ended.length < HABIT || ended[0][0] < this.uptime - HABIT_WITHIN) return 0;
    return Math.min(...ended.map(([, length]) => length));
  }

  /** What is high up falls silent for longer before it counts: senders wait and try again. */
  #floor(group: Group): number {
    return group.level === "agent" ? 2 * this.#options.min_silence : this.#options.min_silence;
  }

  /** An open episode of the group that the node's silence began with. */
  #companionOf(group: Group, node: number, reach: number): Episode | undefined {
    const stamp = this.tree.stamp[node];
    for (const episode of this.#byGroup.get(group) ?? []) if (Math.abs(episode.stamp - stamp) <= reach) return episode;
    return undefined;
  }

  /** Whether a sibling is silent too, since about the same time, and for longer than it usually is. */
  #together(group: Group, node: number, first: number, reach: number): boolean {
    const { tree } = this;
    const { gaps } = tree;
    if (tree.state[node] !== HEARD || !tree.knows(node, this.#options.warmup)) return false;
    if (Math.abs(tree.stamp[node] - tree.stamp[first]) > Math.max(reach, 2 * gaps.median(node))) return false;
    return gaps.rarity(node, tree.silentFor(node)) >= NOTABLE && !replaced(tree, group, node);
  }

  #tell(subject: Subject, node: number, gap: number, rarity: number, now: number): boolean {
    const usually = this.tree.gaps.typical[node];
    const come = subject.many ? "they usually come" : "it usually comes";
    const reason = `${subject.said} for ${lasting(gap)}; ${come} every ${lasting(usually)}.`;
    const stamp = this.tree.stamp[node];
    const before = this.#tried.get(node);
    const tried = before?.stamp === stamp ? before.rarity : 0;
    const finding = { ...this.#finding(subject, now), rarity, tried, observed: gap, expected: usually, reason };
    const raised = this.#detection.find({ ...finding, untilResolved: true });
    if (raised) this.#tried.delete(node);
    else this.#tried.set(node, { stamp, rarity });
    return raised;
  }

  #finding(
    { about, ...subject }: Subject,
    time: number,
  ): Pick<Finding, "type" | "signal" | "labels" | "about" | "time" | "contributors"> {
    const labels = labelsOf({ about, ...subject });
    const { contributors } = subject;
    return { type: "absence", signal: this.tree.signal, labels, ...(about !== "" && { about }), time, contributors };
  }

  #open(subject: Subject, group: Group | undefined, members: readonly number[], gap: number, now: number): void {
    const stamp = this.tree.stamp[members[0]];
    this.adopt({ subject, group, stamp, since: now, heard: now - gap * 1000, members: new Set(members) });
  }

  /** An episode that is open, perhaps since before a restart. */
  adopt(episode: Episode): void {
    for (const member of episode.members) this.episodes.set(member, episode);
    const others = this.#byGroup.get(episode.group);
    if (others) others.add(episode);
    else this.#byGroup.set(episode.group, new Set([episode]));
  }

  /** The node is heard again, or never will be; the episode ends with its last member. */
  #leave(node: number, time: number, how: "back" | "expired" | "forgotten"): void {
    const episode = this.episodes.get(node);
    if (!episode) return;
    this.episodes.delete(node);
    episode.members.delete(node);
    if (episode.members.size > 0) return;
    const { group, subject, since, heard } = episode;
    const others = this.#byGroup.get(group)!;
    others.delete(episode);
    if (others.size === 0) this.#byGroup.delete(group);
    const lasted = Math.max(0, time - heard) / 1000;
    const reason = {
      back: `${subject.back} after ${lasting(lasted)}.`,
      expired: `${subject.said} for ${lasting(lasted)}: that is taken for normal from now on.`,
      forgotten: `${subject.said} for ${lasting(lasted)}; what is so long silent is no longer watched.`,
    }[how];
    const finding = { ...this.#finding(subject, Math.max(time, since)), observed: lasted, reason };
    this.#detection.find({ ...finding, rarity: 0, state: "resolved", since });
  }

  #back(node: number, time: number, silence: number): void {
    if (this.episodes.has(node)) {
      const before = this.ended.get(node) ?? [];
      this.ended.set(node, [...before.slice(1 - HABIT), [this.uptime, silence]]);
    }
    this.#leave(node, time, "back");
  }

  /** So long silent that it is normal: forgotten, with all below it. */
  #expire(node: number, now: number): void {
    const { tree } = this;
    const parent = tree.parent[node]!;
    this.#leave(node, now, "expired");
    this.#drop(node);
    if (parent.level === "service") parent.fewest = Math.min(parent.fewest, parent.living);
  }

  /** Forgets what was replaced and has gone. */
  makeRoom(): void {
    const { tree } = this;
    const isGone = (node: number) => {
      const parent = tree.parent[node];
      return parent && tree.state[node] === QUIET && parent.clock.now - tree.stamp[node] >= GONE_AFTER;
    };
    const gone = [...tree.group.values()].flatMap(({ children }) => children.nodes().filter(isGone));
    // one that went with its parent is gone already
    for (const node of gone) if (isGone(node)) this.#drop(node);
  }

  #drop(node: number): void {
    this.#leave(node, this.ticked, "forgotten");
    const group = this.tree.group.get(node);
    if (group) {
      // the last of its children takes it along
      for (const child of [...group.children.nodes()]) this.#drop(child);
      return;
    }
    this.#dropped(node);
    this.ended.delete(node);
    this.#tried.delete(node);
    this.tree.remove(node);
  }

  /** A series that is no longer watched. */
  forget(node: number): void {
    this.#forgetUp(node);
    this.tree.remove(node);
  }

  /** Parents that go with their last child leave their episodes too. */
  #forgetUp(node: number): void {
    this.#leave(node, this.ticked, "forgotten");
    this.ended.delete(node);
    this.#tried.delete(node);
    const parent = this.tree.parent[node];
    if (parent?.parent && parent.children.size === 1) this.#forgetUp(parent.node);
  }
}

/** Whether something took its place: another instance or series that is new, or fewer instances, as there have been before. */
function replaced(tree: Tree, group: Group, node: number): boolean {
  const service = group.level === "service" ? group : tree.group.get(node);
  if (service?.crowded) return true;
  if (group.level === "service") {
    if (group.newest !== node && group.clock.now - group.born < REPLACED) return true;
    return group.living - 1 >= Math.min(group.fewest, group.fewestBefore);
  }
  const metric = tree.metric[node];
  if (!metric) return false;
  if (metric.gone >= COME_AND_GO) return true;
  return metric.newest !== node && group.parent!.clock.now - metric.born < REPLACED;
}

/** Remembers how few instances the service has had today and yesterday. */
function keepFewest(service: Group): void {
  const { now } = service.clock;
  if (now < KNOWN_AFTER) return;
  if (now - service.day >= DAY || service.day === 0) {
    service.fewestBefore = service.day === 0 ? Number.POSITIVE_INFINITY : service.fewest;
    service.fewest = service.living;
    service.day = now;
  }
}
