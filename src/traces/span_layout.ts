// What each slot of a span holds, and where.
/** Of each slot in `ids`: the halves of its id, its state, which is flags with its operation above them, and the slot of its parent. */
export const IDS = 4;
export const ID1 = 1;
export const STATE = 2;
/** -1 of a span without one, -2 where there was no room for it. */
export const PARENT = 3;
/** In `times`: its start in Unix milliseconds, its duration in milliseconds. */
export const TIMES = 2;
export const DURATION = 1;
/**
 * In `children`, in milliseconds: the latest interval that its children in the same process cover, what those before cover, start of the first of
 * them and end of the last; of no meaning without COVERED. And the durations of its server spans in other processes, of no meaning without CALLED.
 */
export const CHILDREN = 6;
export const TO = 1;
export const COVER = 2;
export const SINCE = 3;
export const OVER = 4;
export const FAR = 5;

/** Flags of a span: its kind, whether it came, whether it failed; whether it has server spans in other processes, a child that failed, timed children. */
export const KIND = 7;
export const CAME = 8;
export const FAILED = 16;
export const CALLED = 32;
export const BLAMED = 64;
export const COVERED = 128;
/** Where the operation begins in a state. */
export const OPERATION = 8;
