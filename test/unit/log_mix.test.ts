// log_mix behind a miner: what is said of a service whose messages are mixed in another way, and of one that has jobs.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import logMix from "../../plugins/processors/log_mix/index.ts";
import { BUCKET, Mix, type Moves, RECENT } from "../../plugins/processors/log_mix/mix.ts";
import type { Finding } from "../../src/api/index.ts";
import { emitInto, Turn } from "../../src/pipeline/hub.ts";
import { Intake } from "../../src/pipeline/intake.ts";
import { TelemetryPipeline } from "../../src/pipeline/pipeline.ts";
import { optionsOf } from "../../src/registry.ts";
import { fakeHost, seededRandom } from "../../src/testing/fake_host.ts";
import { WordMiner } from "../../src/testing/index.ts";
import { poisson } from "../../src/testing/stream.ts";
import { logRequest } from "../logs.ts";
import { stage } from "../wired.ts";

const START = 1_700_035_200_000;
const MINUTE = 60_000;
const STEP = 5000;

/** A service that logs; rates are records a second. `raises` what is at least so rare. */
function service(raises = Number.POSITIVE_INFINITY) {
  const findings: Finding[] = [];
  const lasting: number[] = [];
  const random = seededRandom(3);
  let now = START;
  let id = 0;
  const detection = {
    allows: () => true,
    fingerprint: () => "",
    lasts: (_: unknown, __: unknown, ___: unknown, time: number) => void lasting.push(time),
    find(finding: Finding) {
      findings.push(finding);
      return finding.rarity >= raises;
    },
  };
  function begin(saved?: Uint8Array) {
    const options = optionsOf(logMix).parse({ learning: "10m" }) as never;
    const mix = logMix.create(options, fakeHost("log_mix"), detection);
    if (saved) mix.load!(saved);
    const intake = new Intake("logs", 1, 1000);
    const processors = [stage<any>(new WordMiner(false)), stage<any>(mix)];
    const pipelines = [new TelemetryPipeline<any>("logs", "logs", { processors, queues: [], connectors: [] })];
    const route = { pipelines, counts: { accepted: 0, refused: 0, failed: 0 } };
    return { mix, emit: emitInto(intake as never, route, new Turn([]), () => now) };
  }
  let running = begin();
  /** What is found while it logs so for so many minutes. */
  function log(minutes: number, ...said: readonly (readonly [(n: number) => string, number])[]): Finding[] {
    const before = findings.length;
    for (const until = now + minutes * MINUTE; now < until; now += STEP) {
      const records = said.flatMap(([text, rate]) =>
        Array.from({ length: poisson(random, (rate * STEP) / 1000) }, () => ({ body: text(++id), time: now })),
      );
      if (records.length > 0) void running.emit(logRequest(records));
      running.mix.tick!(now);
    }
    return findings.slice(before);
  }
  function restart() {
    running = begin(running.mix.save!());
  }
  return { log, restart, lasting };
}

const rarest = (findings: readonly Finding[]) =>
  findings.reduce((a, b) => (b.rarity > a.rarity ? b : a), { rarity: 0 } as Finding);

const asked = (n: number) => `request ${n} came`;
const paid = (n: number) => `order ${n} paid`;
const stored = (n: number) => `order ${n} stored well`;
const refused = (n: number) => `card ${n} not accepted today`;

test("a message that is missing from the mix is found within minutes, whatever the traffic does", () => {
  const { log } = service();
  assert.ok(rarest(log(60, [asked, 1], [paid, 0.3], [stored, 0.3])).rarity < 3);
  assert.ok(rarest(log(5, [asked, 3], [paid, 0.9], [stored, 0.9])).rarity < 3, "three times the traffic");
  const found = rarest(log(4, [asked, 1], [paid, 0.3]));
  assert.ok(found.rarity > 4, `${found.rarity}`);
  assert.equal(found.labels.template, "order <*> stored well");
  assert.match(found.reason!, /logged "order <\*> stored well" in .* of its records for \d min; usually in 1\d %\.$/);
  assert.ok(found.observed! < found.expected!);
});

test("a message that is rare and then every third one is found", () => {
  const { log } = service();
  log(60, [asked, 1], [paid, 0.3], [refused, 0.01]);
  const found = rarest(log(4, [asked, 1], [paid, 0.3], [refused, 0.5]));
  assert.ok(found.rarity > 5 && found.labels.template === "card <*> not accepted today", `${found.rarity}`);
});

test("where the logger says the line of the code, lines with the same words are told apart", () => {
  const { log } = service();
  const at = (line: number) => (n: number) => `Carts#${line} cart ${n} loaded`;
  log(60, [asked, 1], [at(12), 0.3], [at(40), 0.3]);
  const found = rarest(log(5, [asked, 1], [at(12), 0.6]));
  assert.ok(found.rarity > 4 && /:(12|40)$/.test(found.about!), `${found.rarity} ${found.about}`);
});

test("what a job does each hour is worth less each time", () => {
  const { log } = service();
  const job = (n: number) => `cleaned bucket ${n} of the store`;
  const runs = Array.from({ length: 12 }, () => {
    log(57, [asked, 1], [paid, 0.3]);
    return rarest(log(3, [asked, 1], [paid, 0.3], [job, 3])).rarity;
  });
  assert.ok(runs[0] > 6 && runs[11] < 4 && runs[11] < runs[1], `${runs}`);
});

test("what was raised goes on without being raised again, and is over when the mix is as usual", () => {
  const { log, lasting } = service(4);
  log(60, [asked, 1], [paid, 0.3], [stored, 0.3]);
  const told = log(6, [asked, 1], [paid, 0.3]).filter(({ rarity }) => rarity >= 4);
  assert.ok(told.length <= 2 && lasting.length > 0, `${told.length}`);
  const last = lasting.at(-1)!;
  log(30, [asked, 1], [paid, 0.3], [stored, 0.3]);
  assert.ok(lasting.at(-1)! - last <= 4 * MINUTE);
});

test("after a restart it knows what it knew", () => {
  const { log, restart } = service();
  log(60, [asked, 1], [paid, 0.3], [stored, 0.3]);
  restart();
  assert.ok(rarest(log(2, [asked, 1], [paid, 0.3], [stored, 0.3])).rarity < 3);
  restart();
  assert.ok(rarest(log(5, [asked, 1], [paid, 0.3])).rarity > 4);
});

test("of many templates those that are hardly said make room, and all stay finite", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(400), fc.integer({ min: 1, max: 1000 })), { maxLength: 500 }), (said) => {
      const mix = new Mix();
      const moves: Moves = { sum: 0, weight: 0 };
      for (const [i, [template, count]] of said.entries()) {
        const slot = mix.slotOf(`${template}`);
        for (let k = 0; k < count; k += 100) mix.add(slot, i % RECENT);
        const surprise = mix.judge(i % RECENT, moves);
        assert.ok(surprise === undefined || (Number.isFinite(surprise.rarity) && surprise.span <= RECENT * BUCKET));
        mix.learn((i + 1) % RECENT, moves);
      }
      assert.ok(mix.ids.length <= 128);
      for (const column of [mix.base, mix.moved, mix.weight, mix.recent, mix.claims.events]) {
        assert.ok(column.every(Number.isFinite));
      }
      assert.ok(Number.isFinite(mix.total + mix.odd + moves.sum + moves.weight));
    }),
  );
});
