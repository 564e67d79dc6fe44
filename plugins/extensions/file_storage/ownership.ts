// One owner at a time for each file within this process; between processes the file's own lock decides.
const owned = new Map<string, Promise<void>>();

/** How long is left, and a wait that ends in time. */
export interface Deadline {
  readonly expired: boolean;
  /** Settles with `event`, at the deadline or after `most` milliseconds, whichever is first; never rejects. */
  wait(event?: Promise<unknown>, most?: number): Promise<void>;
}

export function deadlineIn(milliseconds: number): Deadline {
  const end = performance.now() + milliseconds;
  return {
    get expired() {
      return performance.now() >= end;
    },
    wait(event, most = milliseconds) {
      return new Promise((resolve) => {
        const timer = setTimeout(resolve, Math.max(0, Math.min(most, end - performance.now())));
        event?.finally(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    },
  };
}

/** Resolves to what lets go of the path again, or to undefined when another owner keeps it past the deadline. */
export async function own(path: string, deadline: Deadline): Promise<(() => void) | undefined> {
  for (let other = owned.get(path); other; other = owned.get(path)) {
    if (deadline.expired) return undefined;
    await deadline.wait(other);
  }
  const { promise, resolve } = Promise.withResolvers<void>();
  owned.set(path, promise);
  return () => {
    owned.delete(path);
    resolve();
  };
}
