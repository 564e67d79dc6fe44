// Alerts on their way: what is delivered is not sent again, what fails holds up only its own.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { type Anomaly, ExportError } from "vedette";
import { Deliveries, Refusal, type Way } from "vedette/http";
import { anomalyOf, fakeHost } from "../../exporting.ts";

const change = (id: string, state: Anomaly["state"] = "open", time = 1): Anomaly => anomalyOf({ id, state, time });
const never = new AbortController().signal;
const suspect = () => new Refusal("500", { retryable: true, suspect: true });

/** Sends, and remembers what came through; `fails` says why a change does not, if it does not. */
function sender(fails: (id: string, attempt: number) => Error | undefined, way: Partial<Way> = {}) {
  const host = fakeHost();
  const deliveries = new Deliveries(host);
  const taken: string[] = [];
  let attempt = 0;
  const post: Way["post"] = async (changes) => {
    const error = changes.map(({ id }) => fails(id, attempt)).find(Boolean);
    if (error) throw error;
    taken.push(...changes.map(({ id, state }) => `${id} ${state}`));
  };
  return {
    host,
    taken,
    fates: (list: readonly Anomaly[]) => deliveries.fates(list).map(({ outcome, reason }) => reason ?? outcome),
    send(list: readonly Anomaly[]): Promise<Error | undefined> {
      attempt++;
      return deliveries.send(list, { ...way, post }, never).then(
        () => undefined,
        (error) => error,
      );
    },
  };
}

test("changes of an alert wait for those before; others go on, and none goes twice", async () => {
  const { send, taken } = sender((id, attempt) => (id === "a" && attempt < 3 ? suspect() : undefined));
  const list = [change("a"), change("b"), change("a", "resolved"), change("b", "resolved")];
  assert.ok(await send(list));
  assert.ok(await send(list));
  assert.deepEqual(taken, ["b open", "b resolved"]);
  assert.equal(await send(list), undefined);
  assert.deepEqual(taken, ["b open", "b resolved", "a open", "a resolved"]);
});

test("a service that is away is asked once an attempt", async () => {
  let asked = 0;
  const { send } = sender(() => {
    asked++;
    return new ExportError("nobody there", { retryable: true });
  });
  await send([change("a"), change("b"), change("c")]);
  assert.equal(asked, 1);
});

test("a service that answers 500 to all is asked for ten alerts an attempt", async () => {
  let asked = 0;
  const { send } = sender(() => {
    asked++;
    return suspect();
  });
  await send(Array.from({ length: 100 }, (_, i) => change(`${i}`)));
  assert.equal(asked, 10);
});

test("a list of which a part is refused for good is delivered; one that is refused whole is not", async () => {
  const bad = new Refusal("400", { retryable: false });
  const part = sender((id) => (id === "bad" ? bad : undefined), { most: 10 });
  assert.equal(await part.send([change("a"), change("bad"), change("b")]), undefined);
  assert.deepEqual(part.taken, ["a open", "b open"]);
  assert.equal(part.host.logged.length, 1);
  const whole = sender(() => bad, { most: 10 });
  const error = await whole.send([change("a"), change("b")]);
  assert.ok(error instanceof ExportError && !error.retryable);
});

test("what has become of each change can be asked between attempts", async () => {
  const bad = new Refusal("too long", { retryable: false });
  const wanted = ({ id }: Anomaly) => id !== "old";
  const { send, fates } = sender((id) => (id === "bad" ? bad : id === "a" ? suspect() : undefined), { wanted });
  const list = ["a", "b", "bad", "old"].map((id) => change(id));
  assert.deepEqual(fates(list), Array(4).fill("waiting"));
  assert.ok(await send(list));
  assert.deepEqual(fates(list), ["waiting", "sent", "too long", "skipped"]);
});

test("a change that no request can be made of is refused like one that the service refuses", async () => {
  const { send, taken, host } = sender((id) => (id === "odd" ? new TypeError("no JSON") : undefined));
  assert.equal(await send([change("odd"), change("a")]), undefined);
  assert.deepEqual(taken, ["a open"]);
  assert.equal(host.logged.length, 1);
});

test("whatever fails and however they are grouped, in the end each change went once, in the order of its alert", async () => {
  const lists = fc.array(fc.constantFrom("a", "b", "c", "d"), { maxLength: 20 });
  const faults = fc.array(fc.record({ id: fc.constantFrom("a", "b", "c", "d"), suspect: fc.boolean() }), {
    maxLength: 10,
  });
  const property = fc.asyncProperty(lists, faults, fc.integer({ min: 1, max: 5 }), async (ids, faults, most) => {
    const fault = (id: string, attempt: number) => {
      const found = faults[attempt - 1];
      if (found?.id !== id) return undefined;
      return new Refusal("later", { retryable: true, suspect: found.suspect });
    };
    const { send, taken } = sender(fault, { most });
    const list = ids.map((id, i) => ({ ...change(id), state: String(i) as never }));
    let attempts = 0;
    while (await send(list)) assert.ok(++attempts <= faults.length);
    const inOrder = (all: readonly string[]) => "abcd".split("").map((id) => all.filter((one) => one.startsWith(id)));
    assert.deepEqual(inOrder(taken), inOrder(ids.map((id, i) => `${id} ${i}`)));
  });
  await fc.assert(property, { numRuns: 300 });
});
