// The made-up shop: its processes, what each can be asked to do, whom it asks for that, and what it writes into its log.
import type { Kind, Severity } from "./call.ts";

/** One running instance of a service. */
export interface Process {
  readonly service: string;
  /** Unique in the shop: "inventory-2". */
  readonly instance: string;
  /** Bytes that it takes when nothing is wrong. */
  readonly memory: number;
}

const MB = 2 ** 20;

const replicas = (service: string, count: number, memory: number): Process[] =>
  Array.from({ length: count }, (_, i) => ({ service, instance: `${service}-${i + 1}`, memory: memory * MB }));

export const PROCESSES: readonly Process[] = [
  ...replicas("storefront", 2, 210),
  ...replicas("checkout", 2, 260),
  ...replicas("payments", 1, 180),
  ...replicas("inventory", 3, 320),
  ...replicas("search", 1, 420),
  ...replicas("mailer", 1, 120),
  ...replicas("stock-sync", 1, 90),
  ...replicas("price-feed", 1, 80),
];

export interface Operation {
  readonly kind: Kind;
  /** Milliseconds that it takes itself: the median, and the standard deviation of the logarithm. */
  readonly takes: readonly [median: number, spread: number];
  /** What goes wrong now and then, for no reason of interest. */
  readonly fails?: Failing;
  /** One after the other. */
  readonly steps?: readonly Step[];
  /** Templates; `{name}` is a value made up once a trace. The share of calls that write each. */
  readonly lines?: readonly Written[];
}

export interface Failing {
  readonly share: number;
  readonly error: string;
  /** The template that it is logged with. */
  readonly text: string;
}

export interface Written {
  readonly severity: Severity;
  readonly text: string;
  readonly share?: number;
}

/** What is asked, of whom, and how. */
export interface Step {
  /** "http" makes a span on both sides, "queue" too and is not waited for, "local" one; "outside" is of a system that sends no telemetry. */
  readonly via: "http" | "queue" | "local" | "outside";
  /** "payments POST /charges"; of "outside" the name of the span. */
  readonly to: string;
  /** How often it is tried when it fails. */
  readonly tries?: number;
  /** Of "outside": attributes of the span, and as in Operation. */
  readonly attributes?: Readonly<Record<string, string>>;
  readonly takes?: readonly [median: number, spread: number];
}

const http = (to: string, tries = 1): Step => ({ via: "http", to, tries });
const local = (to: string): Step => ({ via: "local", to });
const queue = (to: string): Step => ({ via: "queue", to });
const sql = (to: string, median: number): Step => ({
  via: "outside",
  to,
  attributes: { "db.system.name": "postgresql", "server.address": "shop-db" },
  takes: [median, 0.35],
});
const info = (text: string, share = 1): Written => ({ severity: "INFO", text, share });
const warn = (text: string, share: number): Written => ({ severity: "WARN", text, share });

/** By "service name". */
export const OPERATIONS: Readonly<Record<string, Operation>> = {
  "storefront GET /": {
    kind: "server",
    takes: [3, 0.3],
    steps: [http("inventory GET /products"), local("storefront render page")],
    lines: [info("GET / answered with 200, took {took} ms")],
  },
  "storefront GET /products/{id}": {
    kind: "server",
    takes: [3, 0.3],
    steps: [http("inventory GET /products/{id}"), local("storefront render page")],
    lines: [info("GET /products/{product} answered with 200, took {took} ms")],
  },
  "storefront GET /search": {
    kind: "server",
    takes: [3, 0.3],
    steps: [http("search GET /query", 4), local("storefront render page")],
    lines: [info("GET /search?q={words} answered with 200, took {took} ms")],
  },
  "storefront POST /checkout": {
    kind: "server",
    takes: [4, 0.3],
    steps: [http("checkout POST /orders")],
    lines: [info("customer {customer} checked out a basket of {items} items")],
  },
  "storefront render page": { kind: "internal", takes: [6, 0.35] },

  "checkout POST /orders": {
    kind: "server",
    takes: [8, 0.35],
    steps: [
      http("inventory POST /reservations"),
      http("payments POST /charges"),
      sql("INSERT orders", 6),
      queue("mailer send receipt"),
    ],
    lines: [info("order {order} placed by customer {customer}: {items} items, {amount} EUR")],
  },

  "payments POST /charges": {
    kind: "server",
    takes: [14, 0.3],
    fails: { share: 0.01, error: "CardDeclinedError", text: "card ending in {card} declined: insufficient funds" },
    steps: [
      local("payments check fraud"),
      {
        via: "outside",
        to: "POST /authorize",
        attributes: { "server.address": "cards.example" },
        takes: [85, 0.3],
      },
      sql("INSERT charges", 5),
    ],
    lines: [
      info("charged {amount} EUR to card ending in {card} for order {order}"),
      warn("card ending in {card} needs a second factor, sent challenge {challenge}", 0.06),
    ],
  },
  "payments check fraud": { kind: "internal", takes: [18, 0.4] },

  "inventory GET /products": {
    kind: "server",
    takes: [3, 0.3],
    steps: [sql("SELECT products", 7)],
    lines: [info("page {page} of the catalogue read from the database, took {took} ms", 0.5)],
  },
  "inventory GET /products/{id}": { kind: "server", takes: [2, 0.3], steps: [sql("SELECT product", 3)] },
  "inventory POST /reservations": {
    kind: "server",
    takes: [4, 0.3],
    fails: {
      share: 0.005,
      error: "OutOfStockError",
      text: "cannot reserve {items} items in warehouse {warehouse}: out of stock",
    },
    steps: [sql("SELECT stock", 4), sql("UPDATE stock", 5)],
    lines: [info("reserved {items} items for order {order} in warehouse {warehouse}")],
  },

  "search GET /query": {
    kind: "server",
    takes: [12, 0.4],
    steps: [local("search rank results")],
    lines: [info("query {words} matched {matches} products, took {took} ms")],
  },
  "search rank results": { kind: "internal", takes: [9, 0.4] },

  "mailer send receipt": {
    kind: "consumer",
    takes: [25, 0.35],
    steps: [
      {
        via: "outside",
        to: "SMTP send",
        attributes: { "server.address": "smtp.example" },
        takes: [60, 0.3],
      },
    ],
    lines: [info("receipt of order {order} sent to customer {customer}, message {message}")],
  },

  "stock-sync synchronise stock": {
    kind: "internal",
    takes: [40, 0.2],
    steps: [sql("SELECT deliveries", 20), sql("MERGE stock", 12)],
    lines: [info("stock of warehouse {warehouse} synchronised: {changes} changes")],
  },
  "price-feed import prices": {
    kind: "internal",
    takes: [25, 0.2],
    steps: [sql("UPSERT prices", 15)],
    lines: [info("price list {list} imported: {changes} prices changed")],
  },
};

/** What customers do, by share. */
export const ENTRIES: Readonly<Record<string, number>> = {
  "storefront GET /": 0.2,
  "storefront GET /products/{id}": 0.24,
  "storefront GET /search": 0.24,
  "storefront POST /checkout": 0.32,
};

/** What the shop does by itself, and every how many milliseconds. */
export const JOBS: Readonly<Record<string, number>> = {
  "stock-sync synchronise stock": 10_000,
  "price-feed import prices": 10_000,
};
