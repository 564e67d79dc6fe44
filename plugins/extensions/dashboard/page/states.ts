// How a watched series and a component fare: a mark, and words beside it.
import type { ComponentView, SeriesItem } from "../contract.ts";
import { counted, number } from "./format.ts";
import { numberOf } from "./plot.ts";
import type { Mark } from "./severity.ts";

export interface Fare {
  readonly mark: Mark;
  readonly words: string;
}

export type Judged = Pick<SeriesItem, "state" | "score" | "rows" | "warmup">;

export function seriesFare({ state, score, rows, warmup }: Judged): Fare {
  if (state === "warming") {
    const left = Math.max(0, warmup - rows);
    return { mark: "warming", words: left > 0 ? `Warming, ${counted(left, "row")} to go` : "Warming" };
  }
  const value = numberOf(score);
  if (state === "over") {
    return { mark: "warning", words: Number.isNaN(value) ? "Over the line" : `Over the line, score ${number(score)}` };
  }
  return { mark: "ok", words: Number.isNaN(value) ? "Usual, last row not judged" : `Usual, score ${number(score)}` };
}

const STATUSES: Readonly<Record<string, Fare>> = {
  ok: { mark: "ok", words: "OK" },
  starting: { mark: "warming", words: "Starting" },
  recoverable_error: { mark: "warning", words: "In trouble" },
  permanent_error: { mark: "critical", words: "Failed" },
  stopping: { mark: "warming", words: "Stopping" },
  stopped: { mark: "no", words: "Stopped" },
};

export function componentFare({ status }: Pick<ComponentView, "status">): Fare {
  return Object.hasOwn(STATUSES, status) ? STATUSES[status] : { mark: "info", words: status };
}

export const isWell = ({ status }: Pick<ComponentView, "status">): boolean => !/error|stopped/.test(status);
