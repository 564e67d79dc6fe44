// What log_values remembers, at rest.
import { causeShape, labelsShape, packed, timeShape, unpacked, z } from "vedette";
import { Columns, RATIO_STATE, type SavedColumns } from "vedette/counts";
import { type Blocks, MOST_PARAMETERS } from "./blocks.ts";
import { Field, SIDES } from "./field.ts";
import type { Judge } from "./judge.ts";
import { Parameters } from "./parameters.ts";
import { MOST_ATTRIBUTES, Service } from "./service.ts";
import { BINS } from "./spread.ts";
import { Statement } from "./statement.ts";

const VERSION = 4;
const TYPE = "log_values";

export interface Memory {
  readonly services: Map<string, Service>;
  readonly judge: Judge;
  readonly blocks: Blocks;
  /** Unix milliseconds: the end of the interval that was judged last. */
  judged: number;
}

const number = z.number();
/** One that may be NaN, or infinite as the sum of a few that are as large as can be. */
const any = z.custom<number>((value) => typeof value === "number", "no number");
const bin = z.int().min(0).max(BINS);
const row = z.int().min(-1);
const side = (place: number) =>
  z.object({
    place: z.literal(place),
    count: number,
    labels: z.union([labelsShape, z.undefined()]),
    wanted: z.boolean(),
    row,
    judged: number,
    clean: number,
    mild: number,
    told: number,
    tried: number,
  });
const value = z.object({
  first: number,
  text: z.string(),
  isNew: z.boolean(),
  looks: number,
  before: number,
  shown: number,
  look: number,
  judged: number,
  seen: number,
  base: number,
  tried: number,
  isPart: z.boolean(),
});
const [huge, high, tiny, low] = SIDES.map((_, place) => side(place));
const field = z.object({
  name: z.string(),
  texts: number,
  numbers: number,
  clean: number,
  before: number,
  isWatched: z.boolean(),
  kind: number,
  values: z.object({
    known: z.map(number, value).optional(),
    looks: number,
    look: timeShape,
    total: number,
    stayed: z.array(number),
  }),
  order: z.object({ rises: number, blockRises: number, last: any, sum: any, count: number, lastBlock: any }),
  ...{ huge, high, tiny, low },
  spread: z
    .object({
      counts: z.custom<Uint32Array>((value) => value instanceof Uint32Array && value.length === BINS),
      total: number,
      ...{ high: bin, huge: bin, low: bin, tiny: bin, largest: bin },
      next: number,
    })
    .optional(),
});
const parameters = z.object({ records: number, looked: number, fields: z.array(field).max(MOST_PARAMETERS) });
const state = z.object({
  version: z.literal(VERSION),
  judged: timeShape,
  columns: z.array(z.custom<SavedColumns>((value) => typeof value === "object" && value !== null)).length(SIDES.length),
  free: z.object(Object.fromEntries(SIDES.map((name) => [name, z.array(z.int().min(0))]))),
  services: z.array(
    z.object({
      key: z.string(),
      began: number,
      looked: number,
      discoveries: z.array(number),
      cause: causeShape,
      attributes: z.array(z.tuple([z.int(), field])).max(MOST_ATTRIBUTES),
      statements: z.array(
        z.object({
          id: z.string(),
          labels: labelsShape,
          parameters: z
            .array(z.tuple([z.int().min(0), parameters]))
            .refine(
              (all) => all.every(([count, { fields }]) => fields.length === Math.min(count, MOST_PARAMETERS)),
              "has other parameters than records",
            ),
        }),
      ),
    }),
  ),
});
type SavedField = ReturnType<Field["save"]>;

export function save({ services, judge, judged }: Memory): Uint8Array {
  return packed({
    version: VERSION,
    judged,
    columns: judge.columns.map((each) => each.save()),
    free: Object.fromEntries(SIDES.map((name, place) => [name, judge.free[place]])),
    services: [...services.values()].map((service) => ({
      key: service.key,
      began: service.began,
      looked: service.looked,
      discoveries: service.discoveries[0].times,
      cause: service.cause.state,
      attributes: service.saveAttributes(),
      statements: [...service.statements.values()].map(({ id, labels, parameters }) => ({
        id,
        labels,
        parameters: Array.from(parameters, ([count, own]) => [count, own.save()]),
      })),
    })),
  });
}

/** Throws when the bytes are not of `save`; the memory is then as it was. */
export function load(bytes: Uint8Array, memory: Memory): void {
  const saved = unpacked(bytes, state, TYPE);
  const { judge, blocks } = memory;
  const columns = saved.columns.map((each) => {
    const own = new Columns(RATIO_STATE);
    own.load(each);
    return own;
  });
  judge.columns = columns;
  judge.free = SIDES.map((name, place) => saved.free[name].filter((row) => row < columns[place].length));
  memory.judged = saved.judged;
  const fieldOf = (each: z.output<typeof field>): Field => {
    const own = Field.load(each as SavedField);
    for (const side of own.sides) if (side.row >= columns[side.place].length) side.row = -1;
    return own;
  };
  for (const each of saved.services) memory.services.set(each.key, serviceOf(each, blocks, fieldOf));
}

function serviceOf(
  { key, began, looked, discoveries, cause, attributes, statements }: z.output<typeof state>["services"][number],
  blocks: Blocks,
  fieldOf: (saved: z.output<typeof field>) => Field,
): Service {
  const service = Object.assign(new Service(key, began), { looked });
  service.discoveries[0].times = discoveries;
  service.cause.state = cause;
  for (const [hash, own] of attributes) service.add(hash, fieldOf(own));
  for (const { id, labels, parameters } of statements) {
    const statement = new Statement(service, id, labels);
    for (const [count, { fields, ...own }] of parameters) {
      statement.parameters.set(
        count,
        Parameters.load(blocks, statement, count, { ...own, fields: fields.map(fieldOf) }),
      );
    }
    service.statements.set(id, statement);
  }
  return service;
}
