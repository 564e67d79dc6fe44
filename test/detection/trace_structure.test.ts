// What people on call rely on: a change of who calls what is told once, of the caller that changed, and what only looks like one is not.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import type { Anomaly } from "vedette";
import traceStructure from "../../plugins/processors/trace_structure/index.ts";
import { Findings } from "../../src/pipeline/detection.ts";
import { lineOf } from "../../src/pipeline/line.ts";
import type { DetectorOptions } from "../../src/pipeline/options.ts";
import { optionsOf } from "../../src/registry.ts";
import { BEGINNING, timeline } from "../timeline.ts";
import {
  ask,
  CLIENT,
  CONSUMER,
  call,
  exportsOf,
  INTERNAL,
  PRODUCER,
  type SpanTree,
  span,
  type TraceOptions,
  traceMaker,
} from "../traces.ts";
import { type Json, oracleEncode } from "../unit/otlp/otlp_json.ts";
import { fakeHostNamed } from "../wired.ts";

interface Moment {
  /** Seconds since the beginning; number of the trace. */
  readonly at: number;
  readonly n: number;
  chance(): number;
}
type Make = (moment: Moment) => SpanTree | readonly [SpanTree, TraceOptions];

/** The finder on a clock that the test moves: a trace a second. */
function watch(options: object = {}) {
  const parsed = optionsOf(traceStructure).parse(options) as DetectorOptions & { warmup: number };
  const host = fakeHostNamed("trace_structure");
  const trace = traceMaker();
  const anomalies: Anomaly[] = [];
  const begin = () => {
    const findings = new Findings(host, parsed, lineOf(parsed, traceStructure), (found) => anomalies.push(found));
    return traceStructure.create(parsed as never, host, findings);
  };
  let part = begin();
  let at = 0;
  let n = 0;
  let seed = 1;
  function chance(): number {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 32;
  }
  const clock = (time: number) => {
    const seconds = Math.round((time - BEGINNING) / 1000);
    return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  };
  return {
    anomalies,
    host,
    get told() {
      return anomalies.map(({ time, type, state, reason }) => `${clock(time)} ${type} ${state}: ${reason}`);
    },
    /** Until so many minutes since the beginning; `each` is traces a second. */
    play(until: number, make: Make, each = 1) {
      for (; at < until * 60; at++) {
        for (let i = 0; i < each; i++) {
          const made = make({ at, n: n++, chance });
          const [tree, more] = Array.isArray(made) ? made : [made, {}];
          part.trace!(trace(tree as SpanTree, { ...more, time: BEGINNING + at * 1000 + i * 10 }));
        }
        host.clock = BEGINNING + (at + 1) * 1000;
        part.tick!(host.clock);
      }
    },
    /** Seconds in which there is no agent. */
    down(seconds: number) {
      at += seconds;
    },
    restart() {
      const saved = part.save!();
      part = begin();
      part.load!(saved);
    },
    save: () => part.save!(),
    load: (bytes: Uint8Array) => begin().load!(bytes),
  };
}

interface Shop {
  readonly prices?: readonly SpanTree[];
  readonly stock?: readonly SpanTree[];
  readonly more?: readonly SpanTree[];
  readonly advised?: number;
  readonly failed?: boolean;
}

const prices = () => call("cart", "catalog GET /prices", {}, ask("catalog", "SELECT prices"));
const stock = () => call("cart", "inventory GET /stock");

/** A cart that asks for prices, then for the stock of one to three things, and sometimes for advice. */
function cart(
  { chance }: Moment,
  { prices: first = [prices()], stock: then, more = [], advised = 0.3, failed = false }: Shop = {},
) {
  const things = then ?? Array.from({ length: 1 + Math.floor(3 * chance()) }, stock);
  const advice = chance() < advised ? [call("cart", "advice GET /tips")] : [];
  const own = span("cart GET /cart", { failed }, ...first, ...things, ...advice, ...more);
  return span("gateway GET /cart", {}, span("gateway GET /cart", { kind: 3 }, own));
}

const during = (moment: Moment, from: number, to: number) => moment.at >= from * 60 && moment.at < to * 60;
/** Plays 90 minutes in which the second shop is open from the 60th to the 75th minute. */
function changed(shop: (moment: Moment) => Shop, options: object = {}) {
  const line = watch(options);
  line.play(90, (moment) => cart(moment, during(moment, 60, 75) ? shop(moment) : {}));
  return line;
}

test("a system that goes on as it is tells nothing", () => {
  const line = watch();
  line.play(180, (moment) => cart(moment));
  assert.deepEqual(line.told, []);
});

test("a call that was never made is told within a minute, of the caller, and when it is over", () => {
  const line = changed(() => ({ more: [call("cart", "payment GET /charges")] }));
  assert.equal(line.told.length, 2, line.told.join("\n"));
  assert.match(
    line.told[0],
    /^60:\d\d new_edge open: GET \/cart of cart calls payment GET \/charges, as it never did in 3,600 traces; since 01:00, \d+ traces\.$/,
  );
  assert.match(line.told[1], /^7[45]:\d\d new_edge resolved: Calls are as before again after 15 min/);
  const [{ labels, id }] = line.anomalies;
  assert.equal(labels.resource["service.name"], "cart");
  assert.equal(labels.name, "GET /cart");
  assert.equal(labels.kind, "server");
  assert.match(labels.traceId, /^[0-9a-f]{32}$/);
  assert.match(labels.spanId, /^[0-9a-f]{16}$/);
  assert.equal(line.anomalies[1].id.slice(0, 16), id.slice(0, 16));
});

test("a new call that few traces make is told too, and one that came once or twice is not", () => {
  const rare = changed(({ n }) => (n % 20 === 0 ? { more: [call("cart", "payment GET /charges")] } : {}));
  assert.match(rare.told[0] ?? "", /^6[0-2]:\d\d new_edge open/);
  const twice = changed(({ n }) => (n === 3650 || n === 3900 ? { more: [call("cart", "payment GET /charges")] } : {}));
  assert.deepEqual(twice.told, []);
});

test("a new call that comes now and then is told once", () => {
  const line = watch();
  line.play(
    14 * 60,
    (moment) => {
      const refund = moment.at > 10 * 3600 && moment.chance() < 1 / 240;
      return cart(moment, refund ? { more: [call("cart", "payment POST /refund")] } : {});
    },
    1,
  );
  assert.equal(line.told.length, 2, line.told.join("\n"));
  assert.match(line.told[1], /new_edge resolved: For \d+ min calls have been different/);
});

test("what a new version calls anew is one anomaly, however many calls and entries there are", () => {
  const line = watch();
  line.play(75, (moment) => {
    const fresh = during(moment, 60, 75);
    const calls = Array.from({ length: 5 }, (_, i) => call("cart", `${fresh ? "new" : "old"}${i} GET /${i}`));
    return span(`gateway GET /${moment.n % 6}`, {}, call("gateway", `cart GET /${moment.n % 6}`, {}, ...calls));
  });
  assert.equal(line.told.length, 1, line.told.join("\n"));
  assert.match(line.told[0], /^60:\d\d (new|missing)_edge open: GET \/\d of cart .*\. Also .*; and \d+ more\.$/);
  assert.equal(line.anomalies[0].contributors.length, 10);
});

test("a call that is expected and missing is told, also when only half of them are", () => {
  const line = changed(() => ({ prices: [] }));
  assert.match(
    line.told[0],
    /^6[01]:\d\d missing_edge open: GET \/cart of cart (often )?no longer calls catalog GET \/prices: \d+ % of \d+ spans, usually \d+(\.\d)? % to 100 %\.$/,
  );
  const [{ observed, expected, labels }] = line.anomalies;
  assert.ok(observed < 0.7 && expected > 0.99, `${observed} of ${expected}`);
  assert.match(labels.traceId, /^[0-9a-f]{32}$/);
  const half = changed(({ n }) => (n % 2 === 0 ? { prices: [] } : {}));
  assert.match(half.told[0], /^6[0-2]:\d\d missing_edge open/);
});

test("a call that is left out because the caller fails, or one before it did, is not missing", () => {
  const failing = changed(({ n }) => (n % 2 === 0 ? { stock: [], failed: true } : {}));
  assert.deepEqual(failing.told, []);
  const refused = changed(({ n }) => {
    return n % 2 === 0 ? { prices: [call("cart", "catalog GET /prices", { failed: true })], stock: [] } : {};
  });
  assert.deepEqual(refused.told, []);
});

test("spans that were lost are no calls that are missing", () => {
  // the far side does not report any more
  const dead = changed(() => ({ prices: [ask("cart", "GET /prices")] }));
  assert.deepEqual(dead.told, []);
  // a whole service between two others
  const line = watch();
  const direct = ({ chance }: Moment, lost: boolean): ReturnType<Make> => {
    const below = span("catalog GET /prices", { kind: INTERNAL });
    const cart = span("cart GET /cart", {}, below);
    return lost && chance() < 0.5
      ? [span("gateway GET /cart", { took: 10 }), { orphans: [{ ...below, at: 5 }] }]
      : span("gateway GET /cart", {}, cart);
  };
  line.play(90, (moment) => direct(moment, during(moment, 60, 75)));
  assert.deepEqual(line.told, []);
});

test("a far side that does not report, or takes its message later, is no call that is missing, whatever else is called alike", () => {
  const calls = watch();
  calls.play(75, (moment) => {
    const get = (...far: SpanTree[]) => span("cart GET", { kind: CLIENT }, ...far);
    const dead = during(moment, 60, 75);
    return span("cart POST /pay", {}, get(), dead ? get() : get(span("stock GET /stock")));
  });
  assert.deepEqual(calls.told, []);
  const messages = watch();
  messages.play(75, (moment) => {
    const audit = during(moment, 60, 75) ? [] : [span("audit process order", { kind: CONSUMER, at: 50 })];
    const shipping = span("shipping process order", { kind: CONSUMER, at: 40 });
    return cart(moment, { more: [span("cart orders", { kind: PRODUCER, took: 1 }, shipping, ...audit)] });
  });
  assert.deepEqual(messages.told, []);
});

test("of traces with spans that were dropped, only what is missing nearly always counts", () => {
  const some = changed(({ n }) => (n % 2 === 0 ? { prices: [] } : {}), { sampled: true });
  assert.deepEqual(some.told, []);
  const all = changed(() => ({ prices: [] }), { sampled: true });
  assert.match(all.told[0] ?? "", /missing_edge open/);
});

test("a call that is tried again and again is told; what is tried again as ever while something is down is not", () => {
  const tries = (many: number) => [
    ...Array.from({ length: many }, () => call("cart", "inventory GET /stock", { failed: true })),
    stock(),
  ];
  const storm = changed(() => ({ stock: tries(6) }));
  assert.match(
    storm.told[0] ?? "",
    /^60:\d\d retry_storm open: GET \/cart of cart calls inventory GET \/stock again and again when it fails: \d times more in one trace; usually at most 0\.$/,
  );
  const down = watch();
  down.play(90, (moment) => {
    const usually = moment.n % 50 === 0 || (during(moment, 60, 75) && moment.n % 3 > 0);
    return cart(moment, usually ? { stock: tries(2) } : {});
  });
  assert.deepEqual(down.told, []);
});

test("a query repeated many times is told, one after the other or at once, and not what is within the usual", () => {
  const many = (at?: number) =>
    Array.from({ length: 41 }, () => call("cart", "inventory GET /stock", at === 0 ? { at, took: 3 } : {}));
  const serial = changed(({ n }) => (n % 4 === 0 ? { stock: many() } : {}));
  assert.match(
    serial.told[0] ?? "",
    /^60:\d\d repeated_call open: GET \/cart of cart calls inventory GET \/stock 4\d times in one trace, in \d+ of \d+; usually at most 3 times\.$/,
  );
  const atOnce = changed(({ n }) => (n % 4 === 0 ? { stock: many(0) } : {}));
  assert.match(atOnce.told[0] ?? "", /^60:\d\d fan_out open: .* 4\d times in one trace/);
  const three = changed(() => ({ stock: [stock(), stock(), stock()] }));
  assert.deepEqual(three.told, []);
});

test("calls that grow threefold are told where their number always varied", () => {
  const items = (many: number) => Array.from({ length: many }, stock);
  const line = watch();
  line.play(90, (moment) => {
    const many = 2 + Math.floor(8 * moment.chance());
    return cart(moment, { stock: items(during(moment, 60, 75) ? 3 * many : many) });
  });
  assert.match(line.told[0] ?? "", /^60:\d\d repeated_call open: .* usually at most \d+ times\.$/);
});

test("a call that few spans made and now most do is told", () => {
  const line = watch();
  line.play(90, (moment) => cart(moment, { advised: during(moment, 60, 75) ? 0.9 : 0.1 }));
  assert.match(
    line.told[0] ?? "",
    /^6[0-2]:\d\d fan_out open: GET \/cart of cart calls advice GET \/tips far more often: in \d+ % of \d+ spans, usually in [\d.]+ %\.$/,
  );
});

test("known calls in an order, or on a way, that never was are told", () => {
  const order = changed(() => ({ prices: [stock()], stock: [prices()] }));
  assert.match(
    order.told[0] ?? "",
    /^61:\d\d new_path open: GET \/cart of cart calls catalog GET \/prices right after inventory GET \/stock, as it never did/,
  );
  const line = watch();
  const search = (...more: SpanTree[]) => call("gateway", "search GET /query", {}, ...more);
  line.play(75, (moment) => {
    const suggest = call("search", "suggest GET /words");
    const both = during(moment, 60, 75) || moment.n % 2 === 0;
    return moment.n % 2 === 0
      ? span("gateway GET /suggest", {}, search(suggest))
      : span("gateway GET /search", {}, both ? search(suggest) : search());
  });
  assert.match(
    line.told.join("\n"),
    /new_path open: GET \/query of search calls suggest GET \/words on the way from GET \/search of gateway/,
  );
});

test("a caller that makes up new calls all the time is believed less each time", () => {
  const line = watch({ adopt_after: "5m" });
  line.play(360, (moment) => {
    const tenant = Math.floor(moment.at / 600);
    return cart(moment, { more: [call("cart", `store GET /${tenant}`)] });
  });
  assert.match(line.told[0] ?? "", /^30:\d\d new_edge open/);
  const late = line.anomalies.filter(({ time, state }) => state === "open" && time > BEGINNING + 270 * 60_000);
  assert.deepEqual(late, []);
});

test("a change that lasts is adopted, and then no news", () => {
  const line = watch({ adopt_after: "30m" });
  line.play(150, (moment) => cart(moment, moment.at >= 3600 ? { more: [call("cart", "payment GET /charges")] } : {}));
  assert.equal(line.told.length, 2, line.told.join("\n"));
  assert.match(
    line.told[1],
    /^90:\d\d new_edge resolved: For 30 min calls have been different \(new: GET \/cart of cart calls payment GET \/charges\): that is taken for normal from now on\.$/,
  );
  const missing = watch({ adopt_after: "30m" });
  missing.play(150, (moment) => cart(moment, moment.at >= 3600 ? { prices: [] } : {}));
  assert.equal(missing.told.length, 2, missing.told.join("\n"));
  assert.match(missing.told[1], /missing_edge resolved: For 30 min/);
});

test("what goes wrong while another change of the same operation is open is told as well", () => {
  const line = watch();
  line.play(100, (moment) => {
    const more = moment.at >= 3600 ? [call("cart", "payment GET /charges")] : [];
    return cart(moment, during(moment, 80, 90) ? { more, prices: [] } : { more });
  });
  assert.deepEqual(
    line.anomalies.map(({ type, state }) => `${type} ${state}`),
    ["new_edge open", "missing_edge open", "missing_edge resolved"],
  );
});

test("what was new, went away and comes again is told as what few ever did, and only where many do it", () => {
  const line = watch();
  line.play(160, (moment) => {
    const outage = during(moment, 60, 65) || during(moment, 120, 130);
    const restarts = moment.at > 6000 && moment.at % 3600 < 20 && moment.n % 4 === 0;
    return cart(moment, outage || restarts ? { more: [ask("cart", "GET cached")] } : {});
  });
  const opened = line.anomalies.filter(({ state }) => state === "open");
  assert.deepEqual(
    opened.map(({ type }) => type),
    ["new_edge", "fan_out"],
    line.told.join("\n"),
  );
});

test("calls that overlapped and do not any more are in no new order", () => {
  const line = watch();
  line.play(66, (moment) => {
    const took = moment.at >= 3600 ? 3 : 20 + 10 * moment.chance();
    const calls = [ask("web", "GET flags", { at: 0, took }), ask("web", "GET user", { at: 5, took: 30 })];
    return span("web GET /", { took: 80 }, ...calls);
  });
  assert.deepEqual(line.told, []);
});

test("a canary that becomes the new version is one anomaly, and taken for normal", () => {
  const line = watch({ adopt_after: "30m" });
  line.play(150, (moment) => {
    const share = [0, 0.1, 0.1, 0.5, 1][Math.max(0, Math.min(4, Math.floor(moment.at / 150) - 23))];
    const cart = moment.chance() < share ? "cart GET /v2/cart" : "cart GET /cart";
    return span("gateway GET /cart", {}, call("gateway", cart));
  });
  assert.equal(line.told.length, 2, line.told.join("\n"));
  assert.match(line.told[1], /new_edge resolved: For \d+ min calls have been different .*taken for normal/);
});

test("while there is no agent no change lasts, and none is over", () => {
  const run = (shop: Shop) => {
    const line = watch();
    line.play(70, (moment) => cart(moment, during(moment, 60, 70) ? shop : {}));
    line.down(8 * 3600);
    line.restart();
    line.play(580, (moment) => cart(moment, moment.at < 33_300 ? shop : {}));
    return line.told.map((told) => told.replace(/:.*?: /, ": "));
  };
  for (const shop of [{ prices: [] }, { more: [call("cart", "payment GET /charges")] }]) {
    const told = run(shop);
    assert.equal(told.length, 2, told.join("\n"));
    assert.match(told[1], /Calls are as before again after [45]\d\d min/);
  }
});

test("messages: a consumer is called by who sent to its queue", () => {
  const line = watch();
  line.play(75, (moment) => {
    const consume = (of: string) =>
      span("cart orders", { kind: PRODUCER, took: 1 }, span(of, { kind: CONSUMER, at: 40 }));
    const others = during(moment, 60, 75) ? [consume("audit process order")] : [];
    return cart(moment, { more: [consume("shipping process order"), ...others] });
  });
  assert.match(line.told[0] ?? "", /^60:\d\d new_edge open: GET \/cart of cart calls audit process order/);
});

test("only what `match` allows is told", () => {
  const line = changed(() => ({ prices: [], more: [call("cart", "payment GET /charges")] }), {
    match: { exclude: { service: ["cart"] } },
  });
  assert.deepEqual(line.told, []);
});

test("a restart in the middle of a change changes nothing", () => {
  const run = (restarts: readonly number[]) => {
    const line = watch();
    for (const until of [...restarts, 90]) {
      line.play(until, (moment) => {
        return cart(moment, during(moment, 60, 75) ? { prices: [], more: [call("cart", "payment GET /charges")] } : {});
      });
      if (until < 90) line.restart();
    }
    return line.told;
  };
  const whole = run([]);
  assert.equal(whole.length, 2, whole.join("\n"));
  assert.deepEqual(run([10, 30.5, 60.1, 60.4, 62, 75.2]), whole);
});

test("the order in which traces are complete, and what is judged with them, does not matter to what is told", () => {
  const kinds = (order: (moment: Moment) => number) => {
    const line = watch();
    const waiting: { due: number; shop: Shop }[] = [];
    line.play(66, (moment) => {
      const more = during(moment, 60, 66) ? { more: [call("cart", "payment GET /charges")] } : {};
      waiting.push({ due: moment.n + order(moment), shop: more });
      waiting.sort((a, b) => a.due - b.due);
      return cart(moment, waiting.length > 20 ? waiting.shift()!.shop : {});
    });
    return line.anomalies.map(({ type, state, labels }) => `${type} ${state} ${labels.name}`);
  };
  const inOrder = kinds(() => 0);
  assert.deepEqual(inOrder, ["new_edge open GET /cart"]);
  fc.assert(
    fc.property(fc.array(fc.nat(15), { minLength: 1, maxLength: 50 }), (late) => {
      assert.deepEqual(
        kinds(({ n }) => late[n % late.length]),
        inOrder,
      );
    }),
    { numRuns: 5 },
  );
});

test("spans may come in any order and spread over any requests", () => {
  const told = (batches: readonly number[]) => {
    const line = timeline(traceStructure, { learning: "4m", warmup: 50 }, { signal: "traces" });
    const trace = traceMaker();
    const more = [call("cart", "payment GET /charges")];
    for (let n = 0; n < 400; n++) {
      const moment = { at: n, n, chance: () => (n % 7) / 7 };
      const exports = exportsOf(trace(cart(moment, n >= 360 ? { more } : {}), { time: BEGINNING + line.now * 1000 }));
      const requests: Json[][] = [[], [], []];
      for (const [i, each] of exports.entries()) {
        const to = requests[batches[(n + i) % batches.length] % 3];
        if (batches[i % batches.length] % 2 === 0) to.push(each);
        else to.unshift(each);
      }
      for (const resourceSpans of requests) line.send(Uint8Array.from(oracleEncode("traces", { resourceSpans })));
      line.tick();
    }
    return line.told;
  };
  const whole = told([0]);
  assert.equal(whole.length, 1, whole.join("\n"));
  fc.assert(
    fc.property(fc.array(fc.nat(11), { minLength: 1, maxLength: 20 }), (batches) => {
      assert.deepEqual(told(batches), whole);
    }),
    { numRuns: 6 },
  );
});

test("names without end are bounded, said so, and leave what is known as it was", () => {
  const line = watch({ max_series: 300 });
  const flood = ({ n }: Moment) =>
    span(`gateway GET /${n}`, {}, call("gateway", `cart GET /${n}`, {}, ask("cart", `SELECT ${n}`)));
  line.play(
    90,
    (moment) => {
      if (moment.n % 4 === 3)
        return cart(moment, during(moment, 70, 90) ? { more: [call("cart", "advice POST /x")] } : {});
      return moment.at > 2400 ? flood(moment) : cart(moment);
    },
    4,
  );
  const size = line.save().length;
  assert.ok(size < 2e6, `${size} bytes`);
  assert.ok(line.host.logged.some(({ message }) => /too many operations/.test(message)));
  assert.ok(
    line.told.every((told) => /GET \/cart of cart/.test(told)),
    line.told.join("\n"),
  );
});

test("links without end are bounded, said so, and make room once they are not seen any more", () => {
  const line = watch({ max_series: 400 });
  line.play(75, (moment) => {
    if (moment.at >= 1800 && moment.n % 4 > 0 && moment.at < 2400) {
      return span(`job run ${moment.n % 89}`, {}, ...Array.from({ length: 64 }, (_, i) => ask("job", `q${i}`)));
    }
    // there was no room for it when it came
    if (moment.at >= 2400 && moment.at < 2460) return cart(moment, { more: [call("cart", "mail POST /news")] });
    return cart(moment, during(moment, 72, 75) ? { more: [call("cart", "payment GET /charges")] } : {});
  });
  assert.ok(line.host.logged.some(({ message }) => /too many operations, or calls/.test(message)));
  assert.equal(line.told.length, 1, line.told.join("\n"));
  assert.match(line.told[0], /^72:\d\d new_edge open: GET \/cart of cart calls payment/);
});

test("bytes that are not its own are refused in words", () => {
  for (const bytes of ["", "{}", "[]", '{"version": 2}', '{"version":1,"judged":0,"callers":[{}]}']) {
    assert.throws(() => watch().load(Buffer.from(bytes)), /trace_structure/, bytes);
  }
});
