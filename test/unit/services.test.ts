// Services as finders remember them: each once, bounded, and those that nobody hears of any more make room.
import assert from "node:assert/strict";
import test from "node:test";
import { type Labels, ofService, Services, serviceName } from "../../src/api/index.ts";
import { fakeHost } from "../exporting.ts";

const labels = (resource: Labels["resource"]): Labels => ({
  ...{ resource, scope: { name: "s", version: "1" }, name: "INFO", statistic: "", unit: "" },
  ...{ attributes: { user: "u" }, traceId: "01", spanId: "02", template: "t <*>", example: "t 1" },
});

test("series of one service share it; one without series makes room, and else new ones are refused with one warning", () => {
  const host = fakeHost();
  const left: string[] = [];
  const all = new Services(new Map<string, { name: string; series: number }>(), 2, host.log, ({ name }) => {
    left.push(name);
  });
  const join = (name: string) => all.join(labels({ "service.name": name }), () => ({ name, series: 0 }));
  const cart = join("cart")!;
  assert.equal(join("cart"), cart);
  assert.equal(cart.series, 2);
  const mail = join("mail")!;
  assert.deepEqual([join("stock"), join("search")], [undefined, undefined]);
  assert.deepEqual(
    host.logged.map(({ level, fields }) => [level, fields]),
    [["warn", { most: 2 }]],
  );
  mail.series--;
  assert.equal(join("stock")?.name, "stock");
  assert.deepEqual([left, all.byKey.size], [["mail"], 2]);
});

test("a service is named with its namespace, and its labels are without what is of one row", () => {
  const own = labels({ "service.name": "cart", "service.namespace": "shop", "host.name": "a" });
  assert.equal(serviceName(own), "shop/cart");
  assert.equal(serviceName(labels({ "service.namespace": "shop" })), "");
  const { resource, attributes, traceId, example } = ofService(own);
  assert.deepEqual(
    [resource, attributes, traceId, example],
    [{ "service.name": "cart", "service.namespace": "shop" }, {}, "", "t 1"],
  );
});
