// What users said as rows and back: feedback, and what it is about.
import type { Feedback } from "vedette";
import type { Subject } from "./effects.ts";
import type { Row } from "./row.ts";
import type { Columns } from "./statements.ts";

export interface Said {
  readonly about: string;
  readonly opinion: Feedback["opinion"];
  readonly note: string;
  readonly by: string;
  readonly at: number;
  readonly until: number;
  /** What it is about where nothing is kept of that id: a silence of what did not happen yet. */
  readonly subject?: Subject;
}

/**
 * Whether what is said takes the place of what was said: of one thing there is one judgement, and one time until which users expect it; a silence
 * replaces itself alone.
 */
export function replaces(said: Omit<Said, "subject">, before: Feedback): boolean {
  const isPlan = ({ opinion }: Pick<Feedback, "opinion">) => opinion === "expected";
  const isSilence = ({ by }: Pick<Feedback, "by">) => by.startsWith(SILENCE);
  if (said.about !== before.about || isPlan(said) !== isPlan(before)) return false;
  return isSilence(said) || isSilence(before) ? said.by === before.by : true;
}

/** How `by` begins where a silence speaks; nobody else may. */
export const SILENCE = "alertmanager silence ";

const idOf = (seq: number) => `f${seq}`;
export const seqOf = (id: string) => (/^f\d{1,15}$/.test(id) ? Number(id.slice(1)) : -1);

export function feedbackOf({ seq, about, opinion, note, by, at, until }: Columns): Feedback {
  return { id: idOf(seq as number), about, opinion, note, by, at, until } as Feedback;
}

/** As the API tells it. */
export const told = (row: Columns) => ({ ...feedbackOf(row), taken_back: row.taken_back ?? null });

export function subjectOf(row: Columns): Subject {
  const { fingerprint, detector, type, service, name, direction, peak, deviation, bands, fixed } =
    row as unknown as Row;
  const said = { fingerprint, detector, type, service, name, direction: direction as Subject["direction"] };
  return {
    ...Object.fromEntries(Object.entries(said).filter(([, value]) => value !== "")),
    peak,
    ...(deviation !== null && { deviation }),
    ...(typeof row.unit === "string" && row.unit !== "" && { unit: row.unit }),
    ...(bands !== null && { bands }),
    ...(fixed === 1 && { fixed: true as const }),
  };
}

/** JSON knows no infinity. */
export const finite = (_: string, value: unknown) => (value === Number.POSITIVE_INFINITY ? INFINITE : value);
export const infinite = (_: string, value: unknown) => (value === INFINITE ? Number.POSITIVE_INFINITY : value);
const INFINITE = "\0Infinity";
