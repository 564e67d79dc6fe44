// The pipelines as a graph: what stands where, what flows from one to the next, and which pipeline feeds which.
import type { ComponentView, Pipelines } from "../contract.ts";

export interface Node {
  readonly id: string;
  /** Undefined where the agent says nothing of it. */
  readonly component: ComponentView | undefined;
  /** Of a connector: the pipelines that it joins this one to. */
  readonly joins: readonly string[];
}

export interface Row {
  readonly id: string;
  readonly signal: string;
  readonly receivers: readonly Node[];
  readonly processors: readonly Node[];
  readonly exporters: readonly Node[];
  /** A second, into each processor and then into the exporters: one more than there are processors. null: not counted. */
  readonly rates: readonly (number | null)[];
  /** How many pipelines it is away from a receiver, by connectors. */
  readonly depth: number;
}

type Pipeline = Pipelines["pipelines"][number];

/** Pipelines in the order of the configuration, each followed by those that it feeds. */
export function graphOf({ pipelines, components }: Pipelines): Row[] {
  const find = (sections: readonly string[], id: string, pipeline?: string) =>
    components.find(
      (each) =>
        each.id === id && sections.includes(each.section) && (pipeline === undefined || each.pipeline === pipeline),
    );
  const rowOf = (pipeline: Pipeline, depth: number): Row => {
    const feeds = (id: string) => pipelines.filter(({ receivers }) => receivers.includes(id)).map((each) => each.id);
    const fedBy = (id: string) => pipelines.filter(({ exporters }) => exporters.includes(id)).map((each) => each.id);
    const end = (section: string, joins: (id: string) => string[]) => (id: string) => {
      const component = find([section], id) ?? find(["connectors"], id);
      return { id, component, joins: component?.section === "connectors" ? joins(id) : [] };
    };
    const receivers = pipeline.receivers.map(end("receivers", fedBy));
    const processors = pipeline.processors.map((id) => ({
      id,
      component: find(["processors"], id, pipeline.id),
      joins: [],
    }));
    const exporters = pipeline.exporters.map(end("exporters", feeds));
    const rates = ratesOf(receivers, processors);
    return { id: pipeline.id, signal: pipeline.signal, receivers, processors, exporters, rates, depth };
  };

  const rows: Row[] = [];
  const placed = new Set<Pipeline>();
  const place = (pipeline: Pipeline, depth: number) => {
    if (placed.has(pipeline)) return;
    placed.add(pipeline);
    rows.push(rowOf(pipeline, depth));
    for (const fed of fedBy(pipeline)) place(fed, depth + 1);
  };
  const fedBy = ({ exporters }: Pipeline) =>
    pipelines.filter(({ receivers }) => receivers.some((id) => exporters.includes(id)));
  const isFed = (one: Pipeline) => pipelines.some((each) => each !== one && fedBy(each).includes(one));
  for (const pipeline of pipelines) if (!isFed(pipeline)) place(pipeline, 0);
  // those that feed each other in a circle
  for (const pipeline of pipelines) place(pipeline, 0);
  return rows;
}

/** What comes into a processor is counted; a receiver may serve other pipelines too, and is asked where there is no processor. */
function ratesOf(receivers: readonly Node[], processors: readonly Node[]): (number | null)[] {
  const rates = processors.map(
    ({ component }, i) => component?.incoming ?? processors[i - 1]?.component?.outgoing ?? null,
  );
  const last = processors.at(-1)?.component;
  if (last) return [...rates, last.outgoing];
  const known = receivers.flatMap(({ component }) => component?.outgoing ?? []);
  return [...rates, known.length > 0 ? known.reduce((a, b) => a + b, 0) : null];
}

/** Rates worth saying: the first, the last, and those that are other than the one before; the rest null. */
export function toldRates(rates: readonly (number | null)[]): (number | null)[] {
  let before: number | null = null;
  return rates.map((rate, i) => {
    const isSame = rate !== null && before !== null && Math.abs(rate - before) <= 0.01 * Math.max(rate, before);
    before = rate ?? before;
    return isSame && i < rates.length - 1 ? null : rate;
  });
}

const ERRORS = /fail|refus|error|lost/;

/** Totals that tell of something that went wrong, the largest first. */
export function errorsOf({ totals }: ComponentView): [name: string, count: number][] {
  return Object.entries(totals)
    .filter(([name, count]) => ERRORS.test(name) && count > 0)
    .sort((a, b) => b[1] - a[1]);
}
