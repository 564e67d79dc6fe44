// Mines the template of each log record, in the tradition of Drain, and writes it on the record.
import { type Batch, defineProcessor, type Host, type Processor, Statements, type Templates } from "vedette";
import { encodeAttributes } from "vedette/otlp";
import { hasAttribute } from "./attribute.ts";
import { BodyReader } from "./body.ts";
import { Columns } from "./mined.ts";
import { Miner } from "./miner.ts";
import { MOST_TEMPLATES, type Options, options, withoutEffect } from "./options.ts";
import { parametersOf } from "./parameters.ts";
import { wordsOf } from "./render.ts";
import { load, save } from "./saved.ts";
import { sow } from "./seeds.ts";

const PREFIX = "otelcol_processor_drain";
/** Field number of a log record's attributes. */
const ATTRIBUTES = 6;

function drain(options: Options, host: Host): Processor<"logs"> {
  for (const message of withoutEffect(options)) host.log.warn(message);
  const miner = new Miner({
    most: options.max_clusters === 0 ? MOST_TEMPLATES : options.max_clusters,
    threshold: options.sim_threshold ?? options.merge_threshold,
  });
  const { tokens, store } = miner;
  const reader = new BodyReader(tokens, options.extra_delimiters.join(""), options.body_field);
  const templates: Templates = {
    text: (template) => store.of(template)?.text ?? "",
    id: (template) => store.of(template)?.id ?? "",
    parameterName: (template, k) => store.of(template)?.parameterName(k),
    hidden: options.hide_parameters,
  };
  const columns = new Columns(templates);
  const statements = new Statements();
  let bytes: Uint8Array = new Uint8Array(0);
  const words = () => wordsOf(tokens, reader.fields, bytes);

  const { meter } = host;
  const records = { unit: "{records}" };
  meter
    .createObservableGauge(`${PREFIX}_clusters_active`, {
      unit: "{clusters}",
      description: "Templates that are known.",
    })
    .addCallback((result) => result.observe(store.size));
  const annotated = meter.createCounter(`${PREFIX}_log_records_annotated`, {
    ...records,
    description: "Records that a template was written on.",
  });
  const unannotated = meter.createCounter(`${PREFIX}_log_records_unannotated`, {
    ...records,
    description:
      "Records that none was written on: without a body, with one already, before the warm-up was over, or as configured.",
  });

  const annotates = options.annotate === "attributes";
  const key = Buffer.from(options.template_attribute);
  const lists = [
    ...(options.emit_wildcards ? [options.wildcards_attribute] : []),
    ...(options.extract_parameters ? ["log.record.template.params"] : []),
  ];

  /** Writes the template of a row on it. Of each template the bytes are made once. */
  function annotate(batch: Batch<"logs">, row: number, slot: number): void {
    const template = store.at(slot);
    template.encoded ??= encodeAttributes(ATTRIBUTES, { [options.template_attribute]: template.text });
    batch.extend(row, template.encoded);
    if (lists.length === 0) return;
    const values = parametersOf(columns, row, bytes);
    for (const name of lists) batch.extend(row, encodeAttributes(ATTRIBUTES, { [name]: values }));
  }

  let sown = false;
  let warm = options.warmup_min_clusters === 0;

  return {
    process(batch) {
      if (!sown) sow(options, miner, reader);
      sown = true;
      const { length, series, offset, bodyKind, bodyStart, bodyEnd } = batch.rows;
      bytes = batch.bytes;
      reader.open(bytes);
      columns.begin(length, statements.begin());
      let told = 0;
      for (let i = 0; i < length; i++) {
        columns.template[i] = columns.statement[i] = 0;
        columns.firstParameter[i] = columns.parameters;
        if (reader.read(bodyKind[i], bodyStart[i], bodyEnd[i])) {
          const slot = miner.mine(words);
          columns.template[i] = store.numbers[slot];
          columns.statement[i] = statements.of(series[i], store.numbers[slot]);
          columns.add(store.at(slot), tokens, bytes);
          warm ||= store.next > options.warmup_min_clusters;
          if (annotates && warm && !hasAttribute(bytes, offset[i], key)) {
            columns.endParameter[i] = columns.parameters;
            annotate(batch, i, slot);
            told++;
          }
        }
        columns.endParameter[i] = columns.parameters;
      }
      bytes = new Uint8Array(0);
      if (told > 0) annotated.add(told);
      if (told < length) unannotated.add(length - told);
      batch.mine(columns);
      return batch;
    },
    forget: (_, id) => statements.forget(id),
    save: () => save(miner),
    load(saved) {
      load(saved, miner);
      sown = true;
    },
  };
}

export default defineProcessor({
  type: "drain",
  signals: ["logs"],
  stability: "beta",
  summary: "Mines the template of each log record, hands it to the processors behind, and writes it on the record.",
  templates: "gives",
  config: options,
  create: drain,
});
