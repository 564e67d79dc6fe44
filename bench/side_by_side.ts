// npm run bench:side_by_side: one agent for all series beside two for half of them each, on the same cores: the most that worker threads could bring.
import { parseArgs } from "node:util";
import { median } from "./harness.ts";
import { CASES } from "./versus/cases.ts";
import { contestants } from "./versus/contestants.ts";
import { type Running, type Side, side, start } from "./versus/trial.ts";

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "metrics, HTTP, detection, 100k series" },
    rounds: { type: "string", default: "3" },
  },
});
const each = CASES.find(({ name }) => name === values.only);
if (!each) throw new Error(`no case "${values.only}"; there are: ${CASES.map(({ name }) => name).join("; ")}`);
const [vedette] = contestants().present;
const SECONDS = 4;
const SENDERS = 8;

/** Rows a second of all together, CPU nanoseconds a row of the agents, their bytes at most, load and sink as a part of a core. */
async function together(count: number) {
  const sides: Side[] = [];
  const agents: Running[] = [];
  try {
    for (let i = 0; i < count; i++) {
      sides.push(await side({ ...each!, series: each!.series / count }, { free: true }));
      agents.push(await start(vedette, each!, sides[i], { free: true }));
    }
    const drive = (seconds: number) => Promise.all(agents.map((agent) => agent.drive({ seconds, senders: SENDERS })));
    await drive(each!.warm);
    const cpu = () => agents.reduce((sum, agent) => sum + agent.cpu(), 0);
    const before = cpu();
    const outcomes = await drive(SECONDS);
    const rows = outcomes.reduce((sum, { requests }) => sum + requests * each!.rows, 0);
    return {
      rate: outcomes.reduce((sum, { requests, seconds }) => sum + (requests * each!.rows) / seconds, 0),
      cpu: (cpu() - before) / rows,
      memory: agents.reduce((sum, agent) => sum + agent.resident().peak, 0),
      busy: outcomes.reduce((sum, { busy }) => sum + busy, 0),
    };
  } finally {
    for (const agent of agents) await agent.stop();
    for (const between of sides) between.stop();
  }
}

type Figures = Awaited<ReturnType<typeof together>>;
const turns: Figures[][] = [[], []];
for (let round = 0; round < Number(values.rounds); round++) {
  for (const [i, of] of turns.entries()) of.push(await together(i + 1));
}
for (const [i, of] of turns.entries()) {
  const figure = (name: keyof Figures) => median(of.map((turn) => turn[name]));
  console.log(
    `${i + 1} of ${each.name}: ${Math.round(figure("rate"))} rows/s, ${Math.round(figure("cpu"))} ns a row, ` +
      `${Math.round(figure("memory") / 1e6)} MB, load and sink ${figure("busy").toFixed(2)} of a core`,
  );
}
