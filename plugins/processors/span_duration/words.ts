// What is said of a span: its own time, and what that of others is.
import type { Said } from "vedette";

/** "POST /pay in checkout took 4.2 s of its own time; 99.9 % take less than 310 ms" */
export function words(name: string, { service, observed, expected, lower, upper, side }: Said): string {
  const span = service === "" ? name : `${name} in ${service}`;
  if (expected !== "" && lower === "" && upper === "")
    return `${span} was over in ${observed}; usually it takes about ${expected}`;
  if (side === "above") return `${span} took ${observed} of its own time; 99.9 % take less than ${upper}`;
  if (side === "below") return `${span} took only ${observed} of its own time; 99.9 % take more than ${lower}`;
  return `${span} took ${observed} of its own time, as others of late; usually it is about ${expected}`;
}
