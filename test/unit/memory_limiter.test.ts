// When the memory limiter refuses, when it takes requests again, and what it measures.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeHost } from "vedette/testing";
import { Gauge } from "../../plugins/processors/memory_limiter/gauge.ts";
import plugin from "../../plugins/processors/memory_limiter/index.ts";
import { limitsOf, totalMemory } from "../../plugins/processors/memory_limiter/limits.ts";
import { Watch } from "../../plugins/processors/memory_limiter/watch.ts";

const MIB = 1024 ** 2;
const options = (given: object) => plugin.config.parse(given);

/** A process of 50 MiB beside its heap and buffers; figures in MiB. Garbage counts until it is collected, and stays resident. */
function worldOf(given: object = {}) {
  const world = { heap: 10, buffers: 0, garbage: 0, native: 0, resident: 0, collections: 0 };
  const source = {
    memory() {
      const external = world.buffers + world.garbage;
      world.resident = Math.max(world.resident, 50 + world.native + world.heap + external);
      return {
        rss: world.resident * MIB,
        heapTotal: world.heap * MIB,
        heapUsed: world.heap * MIB,
        external: external * MIB,
      };
    },
    collect() {
      world.collections++;
      world.garbage = 0;
    },
  };
  const parsed = options({ limit_mib: 500, ...given });
  const host = fakeHost("memory_limiter");
  const watch = new Watch(parsed, limitsOf(parsed, 0), new Gauge(source));
  watch.join(host);
  const after = (seconds: number, change: Partial<typeof world>) => {
    host.time += seconds * 1000;
    Object.assign(world, change);
    watch.check();
    return watch.refusing;
  };
  return { world, host, watch, after };
}

test("refuses above the soft limit, takes requests again below it, and says both once with figures", () => {
  const { host, watch, after } = worldOf();
  assert.equal(after(1, { buffers: 300 }), false);
  assert.equal(after(1, { buffers: 350 }), true);
  assert.equal(after(1, { buffers: 350 }), true);
  watch.refuse();
  assert.equal(after(1, { buffers: 100 }), false);
  assert.equal(after(1, { buffers: 100 }), false);
  watch.leave(host);
  assert.deepEqual(
    host.logged.map(({ level, message, fields }) => ({ level, message, ...fields })),
    [
      {
        level: "info",
        message: "memory is limited",
        used_mib: 60,
        resident_mib: 60,
        soft_limit_mib: 400,
        limit_mib: 500,
      },
      {
        level: "warn",
        message: "memory is short: requests are refused",
        used_mib: 410,
        resident_mib: 410,
        soft_limit_mib: 400,
        limit_mib: 500,
      },
      {
        level: "info",
        message: "memory is back below the soft limit: requests are accepted",
        used_mib: 160,
        resident_mib: 410,
        soft_limit_mib: 400,
        limit_mib: 500,
        refused: 1,
      },
    ],
  );
  assert.deepEqual([...new Set(host.reported.map(({ status }) => status))], ["recoverable_error", "ok"]);
  assert.equal(host.reported.at(-1)!.status, "ok");
});

test("garbage is collected before anything is refused for it", () => {
  const { world, host, watch, after } = worldOf();
  assert.equal(after(1, { buffers: 200, garbage: 200 }), false);
  assert.equal(world.collections, 1);
  assert.equal(after(20, { garbage: 195 }), false);
  assert.equal(world.collections, 2);
  watch.leave(host);
});

test("collections are forced no more often than allowed: rarely above the soft limit, at each check above the hard one", () => {
  const { world, host, watch, after } = worldOf();
  for (let check = 0; check < 25; check++) after(0.1, { buffers: 350 });
  assert.equal(world.collections, 3);
  for (let check = 0; check < 5; check++) after(0.1, { buffers: 600 });
  assert.equal(world.collections, 8);
  watch.leave(host);
});

test("memory that is only kept for reuse does not refuse for ever; growth beside heap and buffers is noticed", () => {
  const { host, watch, after } = worldOf();
  assert.equal(after(1, { buffers: 600 }), true);
  assert.equal(after(1, { buffers: 20 }), false, "still 660 MiB resident, 80 in use");
  assert.equal(after(1, { native: 620 }), true, "resident as never before");
  watch.leave(host);
});

test("many bytes between two checks are a check of their own", () => {
  const { world, host, watch } = worldOf();
  world.buffers = 700;
  watch.arrived(MIB);
  assert.equal(watch.refusing, false);
  watch.arrived(30 * MIB);
  assert.equal(watch.refusing, true);
  watch.leave(host);
});

test("limits: the Collector's options, defaults and precedence", () => {
  const mib = (given: object, total: number) => {
    const { hard, soft } = limitsOf(options(given), total * MIB);
    return [Math.round(hard / MIB), Math.round(soft / MIB)];
  };
  assert.deepEqual(mib({}, 1000), [800, 640]);
  assert.deepEqual(mib({ limit_mib: 4000, spike_limit_mib: 800 }, 1000), [4000, 3200]);
  assert.deepEqual(mib({ limit_mib: 4000, limit_percentage: 50 }, 1000), [4000, 3200]);
  assert.deepEqual(mib({ limit_percentage: 50, spike_limit_percentage: 30 }, 1000), [500, 200]);
  assert.equal(options({}).check_interval, 1000);
});

test("options that cannot be meant are refused with the place", () => {
  const wrong: [object, string][] = [
    [{ check_interval: "0s" }, "check_interval"],
    [{ limit_percentage: 0 }, "limit_mib"],
    [{ limit_mib: 100, spike_limit_mib: 100 }, "spike_limit_mib"],
    [{ limit_percentage: 101 }, "limit_percentage"],
    [{ limit_percentage: 50, spike_limit_percentage: 60 }, "spike_limit_percentage"],
  ];
  for (const [given, place] of wrong) {
    const result = plugin.config.safeParse(given);
    assert.deepEqual(
      result.error?.issues.map(({ path }) => path.join(".")),
      [place],
      JSON.stringify(given),
    );
  }
});

test("the container's limit counts, the machine's memory where there is none", () => {
  assert.equal(totalMemory(512 * MIB, 4096 * MIB), 512 * MIB);
  assert.equal(totalMemory(0, 4096 * MIB), 4096 * MIB);
  assert.equal(totalMemory(2 ** 64, 4096 * MIB), 4096 * MIB);
});

test("the plugin measures this very process: a limit below its size refuses, one far above does not", async () => {
  for (const [limit_mib, admitted] of [
    [1, false],
    [1_000_000, true],
  ] as const) {
    const limiter = plugin.create(options({ limit_mib }), fakeHost("memory_limiter"));
    assert.equal(limiter.admit!(), true, "before the start");
    await limiter.start!();
    assert.equal(limiter.admit!(), admitted);
    await limiter.stop!();
    assert.equal(limiter.admit!(), true, "after the stop");
  }
});

test("processors with the same options measure once and are told alike", async () => {
  const hosts = ["memory_limiter", "memory_limiter"].map((id) => fakeHost(id));
  const limiters = hosts.map((host) => plugin.create(options({ limit_mib: 1 }), host));
  for (const limiter of limiters) await limiter.start!();
  assert.deepEqual(
    limiters.map((limiter) => limiter.admit!()),
    [false, false],
  );
  assert.equal(hosts[1].logged.length, 0);
  await limiters[0].stop!();
  assert.equal(limiters[1].admit!(), false, "the other goes on");
  await limiters[1].stop!();
});
