// Rehearses faults on a schedule: plants them into a copy of what comes in, and tells how many of them the detectors find.
import { byteSize, defineExtension, duration, type ExtensionHost, type Rehearsal, z } from "vedette";

const options = z.object({
  interval: duration()
    .refine((milliseconds) => milliseconds >= 60_000, { error: "less than a minute; write 1m or more" })
    .refine((milliseconds) => milliseconds < 2 ** 31, { error: "longer than 24 days; write less" })
    .prefault("24h")
    .describe("From one rehearsal to the next."),
  initial_delay: duration()
    .refine((milliseconds) => milliseconds < 2 ** 31, { error: "longer than 24 days; write less" })
    .prefault("1h")
    .describe("How long the agent has run before the first one: detectors that know nothing yet find nothing."),
  window: duration()
    .refine((milliseconds) => milliseconds >= 2000 && milliseconds < 86_400_000, { error: "write 2s to 24h" })
    .prefault("15m")
    .describe("How much telemetry is copied; faults are planted into its second half."),
  max_memory: byteSize()
    .prefault("64MiB")
    .describe(
      "Most memory for the copy and for what the detectors know when it begins; a copy that is full ends early.",
    ),
  faults: z.int().positive().max(1000).default(20).describe("Faults that are planted at most, of every kind in turn."),
  cpu_share: z
    .number()
    .gt(0)
    .max(1)
    .default(0.1)
    .describe("Part of a core that the rehearsal may take while it computes: 0.1 takes ten times as long as 1."),
});

type Options = z.output<typeof options>;

/** What one rehearsal showed, in a sentence for the status page. */
export function summary({ faults, alarms, from, until }: Rehearsal): string {
  const minutes = Math.max(1, Math.round((until - from) / 60_000));
  if (faults.length === 0) {
    return `self-test of ${clock(until)}: no fault could be planted in ${minutes} min of telemetry; no series had enough rows`;
  }
  const missed = faults.filter(({ by }) => by === undefined);
  const found = faults.length - missed.length;
  const kinds = [...new Set(missed.map(({ signal, kind }) => `${kind} in ${signal}`))];
  const tail = missed.length === 0 ? "" : `; missed: ${kinds.join(", ")}`;
  return `self-test of ${clock(until)}: ${found} of ${faults.length} planted faults found${tail}; ${alarms} anomalies in ${minutes} min without a fault`;
}

const clock = (time: number) => `${new Date(time).toISOString().slice(0, 16).replace("T", " ")} UTC`;

function selfTest(options: Options, host: ExtensionHost) {
  const ending = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  let last: Rehearsal | undefined;
  const gauge = (name: string, description: string, unit = "") =>
    host.meter.createObservableGauge(name, { description, unit });

  gauge("vedette_self_test_recall", "Part of the planted faults that were found, by signal and kind.").addCallback(
    (result) => {
      const groups = Map.groupBy(last?.faults ?? [], ({ signal, kind }) => `${signal} ${kind}`);
      for (const faults of groups.values()) {
        const [{ signal, kind }] = faults;
        result.observe(faults.filter(({ by }) => by !== undefined).length / faults.length, { signal, fault: kind });
      }
    },
  );
  gauge("vedette_self_test_faults", "Faults planted by the last self-test.").addCallback((result) => {
    if (last) result.observe(last.faults.length);
  });
  gauge(
    "vedette_self_test_alarms",
    "Anomalies a day that the copy alone raised: of real faults, or false.",
  ).addCallback((result) => {
    if (last) result.observe((last.alarms * 86_400_000) / Math.max(1, last.until - last.from));
  });
  gauge(
    "vedette_self_test_astray",
    "Anomalies about something else than the faults, while these were planted.",
  ).addCallback((result) => {
    if (last) result.observe(last.astray);
  });
  gauge("vedette_self_test_age", "Time since the last self-test.", "s").addCallback((result) => {
    if (last) result.observe((host.now() - last.until) / 1000);
  });

  async function test(): Promise<void> {
    const { window, max_memory, faults, cpu_share } = options;
    try {
      last = await host.agent.rehearse!({ window, maxMemory: max_memory, faults, share: cpu_share }, ending.signal);
    } catch (error) {
      if (ending.signal.aborted) return;
      const message = `the self-test could not be done: ${(error as Error).message}`;
      host.log.warn(message);
      host.report("recoverable_error", message);
      return;
    }
    const text = summary(last);
    host.report("ok", text);
    host.log.info(text, { seconds: last.seconds, requests: last.requests });
    for (const { signal, kind, about, by } of last.faults) {
      if (by === undefined) host.log.info("a planted fault was not found", { signal, fault: kind, about });
    }
  }

  const schedule = (delay: number) => {
    timer = setTimeout(() => {
      running = test().then(() => {
        if (!ending.signal.aborted) schedule(options.interval);
      });
    }, delay).unref();
  };

  return {
    get rehearsal() {
      return last;
    },
    ready(ready: boolean) {
      if (!ready || ending.signal.aborted || timer) return;
      if (host.agent.rehearse) schedule(options.initial_delay);
    },
    async stop() {
      clearTimeout(timer);
      ending.abort(new Error("the agent is stopping"));
      await running;
    },
  };
}

export default defineExtension({
  type: "self_test",
  stability: "alpha",
  summary: "Plants faults into a copy of what comes in, on a schedule, and tells how many the detectors find.",
  config: options,
  create: selfTest,
});
