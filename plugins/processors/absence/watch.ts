// Looks at nodes when they are due: which silence is one, what fell silent together, and when it is over.
import type { Detection, Finding } from "vedette";
import { type Group, HEARD, QUIET, TOLD, type Tree } from "./tree.ts";
import { labelsOf, lasting, type Subject, subjectOf, THE_AGENT } from "./words.ts";

/** Seconds. A silence in which a sibling was born so shortly before is a deployment or a rename. */
const REPLACED = 600;
/** A cadence slower than this is not watched: three hours are the last that the gaps tell apart. */
const SLOWEST = 3600;
/** Series of a metric that came and went so often come and go. */
const COME_AND_GO = 3;
/** Silences below this rarity are not worth looking for company. */
const NOTABLE = 2;
/** A silence that was not told is looked at again when it is longer by this share. */
const AGAIN = 0.25;
/** On the clock of a service: how long it is watched before it is known how few instances it can have, and a day. */
const KNOWN_AFTER = 3600;
const DAY = 86_400;
/** The process itself stood still, or telemetry is replayed in large steps. */
const STOOD_STILL = 30;
const LATER = 60;

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

  constructor(
    tree: (back: (node: number, time: number) => void) => Tree,
    options: Options,
    detection: Detection,
    dropped: (node: number) => void,
  ) {
    this.tree = tree((node, time) => this.#back(node, time * 1000));
    this.#options = options;
    this.#detection = detection;
    this.#dropped = dropped;
  }

  /** `now` is in Unix milliseconds. */
  tick(now: number): void {
    const passed = (now - this.ticked) / 1000;
    if (passed > 0 && passed <= STOOD_STILL) this.uptime += passed;
    this.ticked = now;
    this.#watchAgent(now);
    const { tree } = this;
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
        this.#back(node, now);
      } else if (tree.stamp[node] >= 0 && uptime > tree.stamp[node]) tree.gaps.learn(node, uptime - tree.stamp[node]);
      tree.stamp[node] = uptime;
      return;
    }
    if (tree.state[node] !== HEARD || !tree.gaps.known(node, this.#options.warmup)) return;
    const gap = uptime - tree.stamp[node];
    if (gap < tree.gaps.shortest(node, 4 * this.#options.min_silence)) return;
    const rarity = tree.gaps.rarity(node, gap);
    if (rarity < NOTABLE || !this.#tell(THE_AGENT, node, gap, rarity, now)) return;
    tree.state[node] = TOLD;
    this.#open(THE_AGENT, undefined, [node], gap, now);
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
    if (silent || !gaps.known(node, warmup) || gaps.median(node) > SLOWEST) {
      if (clock - tree.stamp[node] >= forget_after) {
        this.#expire(node, now);
        return undefined;
      }
      return silent ? tree.stamp[node] + forget_after : clock + Math.max(LATER, gaps.median(node));
    }
    const shortest = gaps.shortest(node, this.#floor(group));
    if (gap < shortest) return since + shortest;
    if (replaced(tree, group, node)) {
      tree.silence(node, QUIET, tree.stamp[node] + forget_after);
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
    const { forget_after } = this.#options;
    const reach = Math.max(this.#floor(group), 2 * tree.gaps.median(node));
    const joined = this.#companionOf(group, node, reach);
    if (joined) {
      joined.members.add(node);
      this.episodes.set(node, joined);
      tree.silence(node, TOLD, tree.stamp[node] + forget_after);
      return;
    }
    const others = group.children.nodes().filter((each) => each !== node && this.#together(group, each, node, reach));
    const members = [node, ...others];
    const subject = subjectOf(tree, group, members);
    if (this.#tell(subject, node, gap, rarity, now)) {
      for (const member of members) tree.silence(member, TOLD, tree.stamp[member] + forget_after);
      this.#open(subject, group, members, gap, now);
      return;
    }
    // one look for company serves all of them
    for (const member of members) group.children.set(member, group.clock.now + AGAIN * tree.silentFor(member));
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
    if (tree.state[node] !== HEARD || !gaps.known(node, this.#options.warmup)) return false;
    if (Math.abs(tree.stamp[node] - tree.stamp[first]) > Math.max(reach, 2 * gaps.median(node))) return false;
    return gaps.rarity(node, tree.silentFor(node)) >= NOTABLE && !replaced(tree, group, node);
  }

  #tell(subject: Subject, node: number, gap: number, rarity: number, now: number): boolean {
    const usually = this.tree.gaps.typical[node];
    const come = subject.many ? "they usually come" : "it usually comes";
    const reason = `${subject.said} for ${lasting(gap)}; ${come} every ${lasting(usually)}.`;
    return this.#detection.find({ ...this.#finding(subject, now), rarity, observed: gap, expected: usually, reason });
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

  #back(node: number, time: number): void {
    this.#leave(node, time, "back");
  }

  /** So long silent that it is normal: forgotten, with all below it. */
  #expire(node: number, now: number): void {
    const { tree } = this;
    const metric = tree.metric[node];
    if (metric && tree.state[node] !== HEARD) metric.gone++;
    const parent = tree.parent[node]!;
    this.#leave(node, now, "expired");
    this.#drop(node);
    if (parent.level === "service") parent.fewest = Math.min(parent.fewest, parent.living);
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
    const parent = this.tree.parent[node];
    if (parent?.parent && parent.children.size === 1) this.#forgetUp(parent.node);
  }
}

/** Whether something took its place: another instance or series that is new, or fewer instances, as there have been before. */
function replaced(tree: Tree, group: Group, node: number): boolean {
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
