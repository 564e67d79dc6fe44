// What is wrong with an input, in words for whoever gave it.

export class InputError extends Error {
  /** `line` counts from 1; `problem` says cause and remedy. */
  constructor(path: string, problem: string, line?: number) {
    super(`${path}${line === undefined ? "" : `:${line}`}: ${problem}`);
  }
}
