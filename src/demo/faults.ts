// What goes wrong in the made-up shop, one fault after another, and what each does to it.
import type { Failing, Written } from "./shop.ts";

export interface Fault {
  /** As `--faults` takes it. */
  readonly name: string;
  /** Where it begins. */
  readonly service: string;
  /** What is wrong, after "SERVICE ". */
  readonly says: string;
  /** Milliseconds. */
  readonly lasts: number;
  /** How many times as long an operation takes itself. */
  readonly slows?: { readonly operation: string; readonly factor: number };
  readonly fails?: Failing & { readonly operation: string };
  /** A share of the calls of an operation hangs until the caller gives up, after milliseconds. */
  readonly hangs?: Failing & { readonly operation: string; readonly until: number };
  /** Bytes a second that an instance takes and does not give back. */
  readonly leaks?: { readonly instance: string; readonly bytes: number };
  /** An instance that is not there. */
  readonly stops?: string;
  /** What an operation writes beside what it always does. */
  readonly writes?: Written & { readonly operation: string };
}

/** A fault at a time. */
export interface Planned {
  readonly fault: Fault;
  /** Unix milliseconds, the end not included. */
  readonly from: number;
  readonly to: number;
}

const SECOND = 1000;
const MB = 2 ** 20;

const BRIEF = 90 * SECOND;

/** In the order in which they come; of one name the first one comes in the first round, the next in the second. */
export const FAULTS: readonly Fault[] = [
  {
    name: "latency",
    service: "payments",
    says: "takes ten times as long to check for fraud",
    lasts: BRIEF,
    slows: { operation: "payments check fraud", factor: 10 },
  },
  {
    name: "leak",
    service: "search",
    says: "leaks 8 MB of memory a second",
    lasts: 120 * SECOND,
    leaks: { instance: "search-1", bytes: 8 * MB },
  },
  {
    name: "errors",
    service: "inventory",
    says: "cannot reserve stock: four in ten attempts end in a deadlock in its database",
    lasts: BRIEF,
    fails: {
      operation: "inventory POST /reservations",
      share: 0.4,
      error: "DeadlockError",
      text: "cannot reserve {items} items for order {order}: deadlock detected",
    },
  },
  {
    name: "job",
    service: "stock-sync",
    says: "does not run any more",
    lasts: 120 * SECOND,
    stops: "stock-sync-1",
  },
  {
    name: "template",
    service: "mailer",
    says: "writes an error into its log that it never wrote before",
    lasts: 120 * SECOND,
    writes: {
      operation: "mailer send receipt",
      severity: "ERROR",
      text: "cannot render receipt of order {order}: template receipt_v2.html has no block named footer",
    },
  },
  {
    name: "retries",
    service: "search",
    says: "is overloaded: it hangs in six of ten queries, and each that times out is tried again",
    lasts: BRIEF,
    slows: { operation: "search rank results", factor: 5 },
    hangs: {
      operation: "search GET /query",
      until: 400,
      share: 0.6,
      error: "TimeoutError",
      text: "query {words} gave up after 400 ms",
    },
  },
  {
    name: "replica",
    service: "checkout",
    says: "has lost one of its two replicas",
    lasts: BRIEF,
    stops: "checkout-2",
  },
  {
    name: "latency",
    service: "inventory",
    says: "takes twenty times as long to look up a product",
    lasts: BRIEF,
    slows: { operation: "inventory GET /products/{id}", factor: 20 },
  },
  {
    name: "leak",
    service: "price-feed",
    says: "leaks 2 MB of memory a second",
    lasts: 120 * SECOND,
    leaks: { instance: "price-feed-1", bytes: 2 * MB },
  },
  {
    name: "errors",
    service: "payments",
    says: "cannot charge: four in ten attempts fail, since cards.example refuses its certificate",
    lasts: BRIEF,
    fails: {
      operation: "payments POST /charges",
      share: 0.4,
      error: "CertificateError",
      text: "cannot authorize {amount} EUR for order {order}: certificate has expired",
    },
  },
  {
    name: "job",
    service: "price-feed",
    says: "does not run any more",
    lasts: 120 * SECOND,
    stops: "price-feed-1",
  },
  {
    name: "template",
    service: "checkout",
    says: "writes an error into its log that it never wrote before",
    lasts: 120 * SECOND,
    writes: {
      operation: "checkout POST /orders",
      severity: "ERROR",
      text: "voucher service unavailable, order {order} of customer {customer} goes without its discount",
    },
  },
  {
    name: "replica",
    service: "inventory",
    says: "has lost one of its three replicas",
    lasts: BRIEF,
    stops: "inventory-3",
  },
];

/** Milliseconds between the end of a fault and the next one, at speed 1. */
const PAUSE = 60 * SECOND;

/** One fault after another from a time on, in rounds in which each name comes once. Times in Unix milliseconds. */
export function plan(faults: readonly Fault[], speed: number, from: number, until: number): Planned[] {
  const planned: Planned[] = [];
  const places = [...Map.groupBy(faults, ({ name }) => name).values()];
  for (let at = from, round = 0; at < until && places.length > 0; round++) {
    for (const alike of places) {
      const fault = alike[round % alike.length];
      planned.push({ fault, from: at, to: at + fault.lasts });
      at += fault.lasts + PAUSE / speed;
    }
  }
  return planned;
}
