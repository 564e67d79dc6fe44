// Open groups of log_sequence, beside a map: found by what they are known by, whole when they are handed over, in whatever order they come and go.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { COUNTED, type Group, Groups } from "../../plugins/processors/log_sequence/groups.ts";
import { Service } from "../../plugins/processors/log_sequence/service.ts";
import { BEGINNING } from "../timeline.ts";

const IDLE = 30_000;
const labels = { resource: {}, scope: { name: "", version: "" }, name: "", statistic: "", unit: "", attributes: {} };
const services = ["a", "b", "c"].map((key) => new Service(key, BEGINNING, { ...labels, traceId: "", spanId: "" }));

const groupOf = (service: Service, high: number, low: number, last: number): Group => ({
  ...{ service, high, low, last, generation: 7, left0: high ^ 5, left1: low ^ 5, partial: false },
  messages: [],
});

test("a group is handed over once, with all that was added to it, when nothing came for long enough", () => {
  const step = fc.record({
    service: fc.nat(2),
    high: fc.constantFrom(0, -1, 1 << 31),
    low: fc.oneof(fc.nat(400), fc.constantFrom(-1, 1 << 30, 1 << 31)),
    messages: fc.array(fc.nat(511), { minLength: 1, maxLength: 12 }),
    later: fc.constantFrom(0, 0, 0, 400, 9000, 40_000),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 50, maxLength: 900 }), (steps) => {
      const groups = new Groups(1e6, IDLE);
      const open = new Map<string, { messages: number[]; last: number }>();
      let now = BEGINNING;
      const done = ({ service, high, low, left0, left1, messages, last, generation }: Group) => {
        const key = `${service.key} ${high} ${low}`;
        assert.deepEqual({ messages: [...messages], last }, open.get(key));
        assert.deepEqual([left0, left1, generation], [high ^ 5, low ^ 5, 7]);
        assert.ok(last <= now - IDLE);
        open.delete(key);
      };
      for (const { service, high, low, messages, later } of steps) {
        now += later;
        if (later > 0) groups.complete(now, done);
        const own = services[service];
        const key = `${own.key} ${high} ${low}`;
        let slot = groups.find(own, high, low);
        assert.equal(slot >= 0, open.has(key));
        if (slot < 0) {
          slot = groups.open(groupOf(own, high, low, now));
          open.set(key, { messages: [], last: now });
        }
        const known = open.get(key)!;
        known.last = now;
        for (const message of messages) {
          groups.add(slot, message, now);
          known.messages.push(message);
        }
      }
      assert.equal([...groups].length, open.size);
      now += 2 * IDLE;
      groups.complete(now, done);
      assert.equal(open.size, 0);
      assert.equal([...groups].length, 0);
    }),
  );
});

test("of a long group each message is kept as often as counts; of too many groups those idle for longest are handed over", () => {
  const groups = new Groups(10, IDLE);
  const slot = groups.open(groupOf(services[0], 0, 0, BEGINNING));
  for (let i = 0; i < 5000; i++) groups.add(slot, i % 3, BEGINNING);
  for (let low = 1; low < 10; low++) groups.open(groupOf(services[0], 0, low, BEGINNING + low * 1000));
  assert.ok(groups.isFull);
  const done: number[] = [];
  groups.complete(BEGINNING + 10_000, ({ low, messages }) => {
    done.push(low);
    if (low > 0) return;
    assert.ok(messages.length < 300);
    for (const message of [0, 1, 2]) assert.ok(messages.filter((each) => each === message).length >= COUNTED);
  });
  assert.deepEqual(done, [0, 1, 2, 3, 4]);
});

test("groups that are open when records were missed are not whole", () => {
  const groups = new Groups(10, IDLE);
  groups.open(groupOf(services[0], 0, 1, BEGINNING));
  groups.miss();
  groups.open(groupOf(services[0], 0, 2, BEGINNING));
  const partial = new Map([...groups].map((group) => [group.low, group.partial]));
  assert.deepEqual([partial.get(1), partial.get(2)], [true, false]);
});
