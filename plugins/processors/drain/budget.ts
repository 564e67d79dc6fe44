// How many templates may be made: many at first, then a share of the lines.

const AT_ONCE = 2048;
const PER_LINE = 0.02;

export class Budget {
  /** Templates that may be made now, and the line at which that was so. */
  left = AT_ONCE;
  since = 0;

  /** Whether a line may make a template. `lines`: how many have come, this one included. */
  allows(lines: number): boolean {
    this.left = Math.min(AT_ONCE, this.left + (lines - this.since) * PER_LINE);
    this.since = lines;
    return this.left >= 1;
  }

  spend(): void {
    this.left--;
  }
}
