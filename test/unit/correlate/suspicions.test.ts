// What detectors see below their lines pages nobody, and says where an incident began that something else opens.
import assert from "node:assert/strict";
import test from "node:test";
import type { Anomaly } from "vedette";
import { correlated, failing, incidents, logging, slow } from "./outage.ts";

const HOUR = 3600;
const mixed = (service: string, changes: Partial<Anomaly> = {}) =>
  logging(service, { detector: "log_mix", type: "log_mix", ...changes });
const originsOf = ({ incident }: Anomaly) => incident!.origins.map(({ service }) => service);

test("what is below the line opens no incident", () => {
  const shop = correlated();
  for (let i = 0; i < 20; i++) {
    shop.suspect(mixed("payments"), 4);
    shop.tick(30);
  }
  assert.deepEqual(shop.passed, []);
});

test("of two services that are told of, what was said below the line decides where it is close", () => {
  for (const [said, origin] of [
    [false, "checkout"],
    [true, "payments"],
  ] as const) {
    const shop = correlated();
    if (said) shop.suspect(mixed("payments"), 4);
    shop.raise(failing("checkout", { score: 1.6 }), slow("payments", { score: 1 }));
    const [opened] = shop.tick(10);
    assert.equal(originsOf(opened)[0], origin);
    assert.equal(opened.labels.resource["service.name"], origin);
  }
});

test("a service that nothing is told of is among the origins where those call it that are, and only then", () => {
  const shop = correlated();
  shop.raise(failing("checkout", { score: 1.5 }));
  shop.suspect(mixed("payments"), 4);
  shop.suspect(mixed("search"), 4);
  const [opened] = shop.tick(10);
  assert.deepEqual(originsOf(opened), ["checkout", "payments"]);
  assert.deepEqual(opened.incident!.origins[1].reasons, [
    "payments was odd too, less than would be told, by log_mix.",
    "checkout calls it and suffers with it.",
  ]);
  assert.deepEqual(opened.incident!.services, ["checkout"]);
});

test("what a detector says of a service all the time is worth less each time, but for what incidents are made of", () => {
  const share = (prepare: (shop: ReturnType<typeof correlated>) => void) => {
    const shop = correlated();
    prepare(shop);
    shop.suspect(mixed("payments"), 4);
    shop.raise(failing("checkout"));
    const opened = incidents(shop.tick(10)).at(-1)!;
    return opened.incident!.origins.find(({ service }) => service === "payments")?.share ?? 0;
  };
  const never = share(() => {});
  const hourly = share((shop) => {
    for (let i = 0; i < 24; i++) {
      shop.suspect(mixed("payments"), 4);
      shop.tick(HOUR);
    }
  });
  const known = share((shop) => {
    for (let i = 0; i < 24; i++) {
      shop.raise(failing("payments", { id: `payments-${i}`, fingerprint: `${i}` }));
      shop.suspect(mixed("payments"), 4);
      shop.tick(HOUR);
    }
  });
  assert.ok(hourly < 0.8 * never, `${hourly} ${never}`);
  assert.ok(known > 0.9 * never, `${known} ${never}`);
});

test("what was said and how often is known after a restart", () => {
  const shop = correlated();
  shop.suspect(mixed("payments"), 4);
  shop.tick(5);
  shop.restart(5);
  shop.raise(failing("checkout"));
  shop.tick(5);
  shop.restart(1);
  assert.deepEqual(originsOf(shop.tick(10)[0]), ["checkout", "payments"]);
});
