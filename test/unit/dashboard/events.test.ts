// Pages that are told what changes: one status for all, none that is slow holds anything up, a login that ends is heard no more.
import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import test from "node:test";
import type { Caller } from "../../../plugins/extensions/dashboard/access.ts";
import { Events } from "../../../plugins/extensions/dashboard/events.ts";

const operator: Caller = { role: "operator", csrf: "" };

/** A page as the server sees it. */
class Page extends EventEmitter {
  text = "";
  writableLength = 0;
  gone = false;
  writeHead() {
    return this;
  }
  write(bytes: string | Buffer) {
    this.text += bytes;
  }
  end() {
    this.gone = true;
    this.emit("close");
  }
  destroy() {
    this.end();
  }
  get events(): { id: string; event: string; data: any }[] {
    return this.text.split("\n\n").flatMap((block) => {
      const [, id, event, data] = /^id: (.*)\nevent: (.*)\ndata: (.*)$/.exec(block) ?? [];
      return id === undefined ? [] : [{ id, event, data: JSON.parse(data) }];
    });
  }
}

function join(events: Events, lastEventId?: string): Page {
  const page = new Page();
  const request = { headers: { "last-event-id": lastEventId }, socket: { setKeepAlive() {} } };
  events.join(request as unknown as IncomingMessage, page as unknown as ServerResponse, operator, { first: true });
  return page;
}

const always = () => true;

test("what changed between two looks is one event, ids named once, a hundred of a kind at most", () => {
  const events = new Events();
  const page = join(events);
  events.changed({ incidents: ["a"], episodes: ["b", "c"] });
  events.changed({ incidents: ["a"], episodes: ["c"] });
  events.tell({ n: 1 }, always);
  assert.deepEqual(
    page.events.slice(1).map(({ event, data }) => [event, data]),
    [
      ["changed", { incidents: ["a"], episodes: ["b", "c"], more: false }],
      ["status", { n: 1 }],
    ],
  );
  events.changed({ incidents: [], episodes: Array.from({ length: 1000 }, (_, i) => `e${i}`) });
  events.tell({ n: 2 }, always);
  const { data } = page.events.findLast(({ event }) => event === "changed")!;
  assert.deepEqual([data.episodes.length, data.more], [100, true]);
  events.tell({ n: 3 }, always);
  assert.equal(page.events.filter(({ event }) => event === "changed").length, 2, "nothing more has changed");
});

test("a page that comes back is told what it missed, or that it missed more than is known", () => {
  const events = new Events();
  const page = join(events);
  const change = (id: string) => {
    events.changed({ incidents: [id], episodes: [] });
    events.tell({}, always);
  };
  change("a");
  const seen = page.events.at(-1)!.id;
  page.end();
  assert.deepEqual(
    join(events, seen).events.map(({ event }) => event),
    ["status"],
    "nothing",
  );
  change("b");
  change("c");
  assert.deepEqual(join(events, seen).events[1].data, { incidents: ["b", "c"], episodes: [], more: false });
  // what was told long ago is not remembered, though it is one id since
  for (let i = 0; i < 300; i++) change("c");
  assert.equal(join(events, seen).events[1].data.more, true);
  for (const strange of ["x", "1-1", `${seen.split("-")[0]}-x`, "-", "a".repeat(10_000)]) {
    assert.deepEqual(join(events, strange).events[1].data, { incidents: [], episodes: [], more: true });
  }
});

test("a page that does not read is cut off, one whose login ended is not told any more, the others are", () => {
  const events = new Events();
  const [slow, over, well] = [join(events), join(events), join(events)];
  slow.writableLength = 300 * 1024;
  let asked = 0;
  events.tell({ n: 1 }, () => ++asked !== 1);
  assert.deepEqual([slow.gone, over.gone, well.gone], [true, true, false]);
  assert.equal(events.clients, 1);
  assert.equal(well.events.at(-1)!.data.n, 1);
  assert.equal(over.events.length, 1);
  events.close();
  assert.equal(events.clients, 0);
});
