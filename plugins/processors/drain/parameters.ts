// What stands in the places of a record's parameters, as text: for attributes that list them.
import type { Mined } from "vedette";

/** In the order of the record. */
export function parametersOf(mined: Mined, row: number, bytes: Uint8Array): string[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values: string[] = [];
  for (let p = mined.firstParameter[row]; p < mined.endParameter[row]; p++) {
    values.push(text.toString("utf8", mined.parameterStart[p], mined.parameterEnd[p]));
  }
  return values;
}
