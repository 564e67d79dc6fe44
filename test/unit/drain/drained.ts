// drain in a pipeline: bodies in; templates, parameters and attributes out.
import assert from "node:assert/strict";
import drain from "../../../plugins/processors/drain/index.ts";
import type { AttributeValue, Processor, Templates } from "../../../src/api/index.ts";
import { Intake } from "../../../src/pipeline/intake.ts";
import { TelemetryPipeline } from "../../../src/pipeline/pipeline.ts";
import { fakeHost } from "../../../src/testing/index.ts";
import { logRequest } from "../../logs.ts";
import { stage } from "../../wired.ts";

const TIME = 1_700_000_000_000;

/** What drain says of one record. */
export interface Drained {
  readonly number: number;
  readonly text: string;
  readonly id: string;
  readonly parameters: readonly string[];
  readonly names: readonly (string | undefined)[];
}

export class Drains {
  readonly host = fakeHost("drain");
  readonly part: Processor<"logs">;
  /** Of the last request. */
  templates: Templates | undefined;
  readonly #pipeline: TelemetryPipeline<"logs">;
  readonly #intake = new Intake("logs", 1, 1000);
  #seen: Drained[] = [];

  constructor(options: object = {}, saved?: Uint8Array) {
    this.part = drain.create(drain.config.parse(options), this.host);
    if (saved) this.part.load!(saved);
    const look: Processor<"logs"> = {
      process: (batch) => {
        const { mined, bytes } = batch;
        assert.ok(mined);
        const { templates } = mined;
        this.templates = templates;
        this.#seen = Array.from({ length: batch.rows.length }, (_, row) => {
          const number = mined.template[row];
          const parameters: string[] = [];
          for (let p = mined.firstParameter[row]; p < mined.endParameter[row]; p++) {
            parameters.push(Buffer.from(bytes.subarray(mined.parameterStart[p], mined.parameterEnd[p])).toString());
          }
          const names = parameters.map((_, k) => templates.parameterName(number, k));
          return { number, text: templates.text(number), id: templates.id(number), parameters, names };
        });
        return batch;
      },
    };
    const processors = [stage(this.part, this.host), stage(look, this.host)];
    this.#pipeline = new TelemetryPipeline("logs", "logs", { processors, connectors: [], queues: [] });
  }

  /** One request of these bodies. */
  mine(...bodies: readonly AttributeValue[]): Drained[] {
    this.send(bodies);
    return this.#seen;
  }

  /** The request that goes on. */
  send(bodies: readonly AttributeValue[]): Uint8Array {
    return this.forward(logRequest(bodies.map((body) => ({ body, time: TIME }))));
  }

  /** The request that becomes of one. */
  forward(bytes: Uint8Array): Uint8Array {
    this.#intake.read(bytes);
    const request = this.#pipeline.run(bytes, TIME, this.#intake.scan, this.#intake.rows(TIME));
    const faults = this.host.logged.filter(({ level }) => level === "error");
    assert.deepEqual(faults, []);
    return request!.bytes;
  }

  texts(...bodies: readonly AttributeValue[]): string[] {
    return this.mine(...bodies).map(({ text }) => text);
  }
}
