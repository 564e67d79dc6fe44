// The sentences about a change of the calls that one operation makes.
import type { Caller } from "./caller.ts";
import type { Change } from "./changes.ts";

/** "GET /cart of gateway". */
export function nameOf({ name, service, namespace }: Caller): string {
  const whole = namespace === "" ? service : `${namespace}/${service}`;
  return whole === "" ? name : `${name} of ${whole}`;
}

/** What is called, as its caller would name it: "recommendations GET /suggest", or "render page" of its own. */
export function calledBy(caller: Caller, to: Caller): string {
  return to.service === caller.service ? to.name : `${to.service} ${to.name}`;
}

const whole = (value: number) => Math.round(value).toLocaleString("en-US");

export function percent(share: number): string {
  const value = 100 * share;
  if (value === 0 || value === 100) return `${value} %`;
  return `${Number(value.toPrecision(value > 99 ? 3 : 2))} %`;
}

/** "12:04", in UTC. */
const clock = (time: number) => new Date(time).toISOString().slice(11, 16);

const times = (count: number, thing: string) => `${whole(count)} ${thing}${count === 1 ? "" : "s"}`;

export function sentence({ type, caller, to, after, entry, facts }: Change): string {
  const who = nameOf(caller);
  const what = calledBy(caller, to);
  const { since, observed, expected, lower, upper, spans, of } = facts;
  const sofar = Math.abs(since) < 8e15 ? `; since ${clock(since)}, ${times(spans, "trace")}` : "";
  const share = `${percent(observed)} of ${times(of, "span")}`;
  switch (type) {
    case "new_edge":
      return `${who} calls ${what}, as it never did in ${times(of, "trace")}${sofar}.`;
    case "new_path": {
      const where = after
        ? `right after ${calledBy(caller, after)}`
        : `on the way from ${entry ? nameOf(entry) : "there"}`;
      return `${who} calls ${what} ${where}, as it never did in ${times(of, "trace")}${sofar}.`;
    }
    case "missing_edge": {
      const usually = upper > lower ? `${percent(lower)} to ${percent(upper)}` : percent(expected);
      return `${who} ${observed === 0 ? "no longer" : "often no longer"} calls ${what}: ${share}, usually ${usually}.`;
    }
    case "retry_storm":
      return `${who} calls ${what} again and again when it fails: ${whole(observed)} times more in one trace; usually at most ${whole(expected)}.`;
    case "repeated_call":
      return `${who} calls ${what} ${whole(observed)} times in one trace, in ${whole(spans)} of ${whole(of)}; usually at most ${times(expected, "time")}.`;
    case "fan_out":
      if (!Number.isNaN(upper)) {
        return `${who} calls ${what} far more often: in ${share}, usually in ${percent(expected)}.`;
      }
      return `${who} calls ${what} ${whole(observed)} times in one trace, in ${whole(spans)} of ${whole(of)}; usually at most ${times(expected, "time")}.`;
  }
}

/** In a list: "cart GET /cart calls payment POST /charge". */
export function brief({ type, caller, to }: Change): string {
  const what = calledBy(caller, to);
  const who = nameOf(caller);
  return {
    new_edge: `new: ${who} calls ${what}`,
    missing_edge: `missing: ${who} calls ${what}`,
    retry_storm: `again and again: ${who} calls ${what}`,
    repeated_call: `many times: ${who} calls ${what}`,
    fan_out: `more often: ${who} calls ${what}`,
    new_path: `in a new order or place: ${who} calls ${what}`,
  }[type];
}
