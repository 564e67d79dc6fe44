// The system of a generated world: a shop of ten services, a database, a cache and a queue.
import { type CallSpec, SpanKind, type StepSpec, type SystemSpec } from "./system.ts";

const http = (to: string, more: Partial<CallSpec> = {}): CallSpec => ({ via: "http", to, ...more });
const local = (to: string, more: Partial<CallSpec> = {}): CallSpec => ({ via: "local", to, ...more });
const send = (to: string): CallSpec => ({ via: "queue", to, detached: true });
const sql = (to: string, median: number, sd = 0.45, more: Partial<CallSpec> = {}): CallSpec => ({
  via: "outside",
  to,
  outside: { system: "postgresql", host: "shop-db", own: [median, sd] },
  ...more,
});
const cache = (to: string): CallSpec => ({
  via: "outside",
  to,
  outside: { system: "redis", host: "shop-cache", own: [0.4, 0.3] },
  optional: true,
});
const maybe = (chance: number, ...steps: StepSpec[]): StepSpec => ({ chance, steps });
/** Asks the cache, and the database when it is not there. */
const cached = (what: string, misses: number, median: number): StepSpec[] => [
  [cache(`GET ${what}`)],
  maybe(misses, [sql(`SELECT ${what}`, median)], [cache(`SET ${what}`)]),
];

const SESSION = http("account GET /session");

export const SHOP: SystemSpec = {
  entries: {
    "gateway GET /": 24,
    "gateway GET /products/{id}": 28,
    "gateway GET /search": 16,
    "gateway GET /cart": 10,
    "gateway POST /cart": 8,
    "gateway POST /checkout": 5,
    "gateway POST /login": 5,
    "gateway GET /orders/{id}": 4,
  },
  periodic: { "inventory reconcile stock": 20_000, "shipping collect parcels": 60_000 },
  operations: {
    "gateway GET /": {
      own: [2, 0.35],
      steps: [
        [SESSION, http("catalog GET /featured")],
        [local("gateway render page"), local("gateway write access log", { detached: true })],
      ],
    },
    "gateway GET /products/{id}": {
      own: [2, 0.35],
      steps: [
        [SESSION],
        [
          http("catalog GET /products/{id}"),
          http("inventory GET /stock/{sku}"),
          http("search GET /related", { optional: true }),
        ],
        [local("gateway render page"), local("gateway write access log", { detached: true })],
      ],
    },
    "gateway GET /search": {
      own: [2.5, 0.4],
      steps: [[SESSION, http("search GET /query")], [local("gateway render page")]],
    },
    "gateway GET /cart": { own: [1.8, 0.3], steps: [[SESSION], [http("cart GET /cart")]] },
    "gateway POST /cart": { own: [2.2, 0.35], errors: 0.004, steps: [[SESSION], [http("cart POST /items")]] },
    "gateway POST /checkout": {
      own: [3, 0.4],
      errors: 0.002,
      steps: [[SESSION], [http("checkout POST /orders")]],
    },
    "gateway POST /login": { own: [1.5, 0.3], steps: [[http("account POST /login")]] },
    "gateway GET /orders/{id}": { own: [2, 0.4], steps: [[SESSION], [http("checkout GET /orders/{id}")]] },
    "gateway render page": { kind: SpanKind.internal, own: [4, 0.5], tail: [0.003, 25], errors: 0 },
    "gateway write access log": { kind: SpanKind.internal, own: [12, 0.9], errors: 0 },

    "account GET /session": { own: [0.9, 0.12], errors: 0, steps: cached("sessions", 0.08, 2.5) },
    "account POST /login": {
      own: [65, 0.18],
      errors: 0.02,
      exception: "InvalidCredentialsError",
      steps: [[sql("SELECT accounts", 3)], [sql("UPDATE accounts", 4)], [local("account issue token")]],
    },
    "account GET /addresses": { own: [1.2, 0.3], steps: [[sql("SELECT addresses", 2.2)]] },
    "account issue token": { kind: SpanKind.internal, own: [1.5, 0.2], errors: 0 },

    "catalog GET /featured": { own: [3, 0.5], steps: cached("featured", 0.15, 8) },
    "catalog GET /products/{id}": { own: [2.2, 0.45], tail: [0.004, 20], steps: cached("products", 0.25, 5) },
    "catalog GET /prices": { own: [1.4, 0.25], errors: 0, steps: [[sql("SELECT prices", 3, 0.6)]] },
    "catalog POST /products:batch": { own: [4, 0.6], steps: [[sql("SELECT products batch", 9, 0.7)]] },

    "search GET /query": {
      own: [18, 1.05],
      tail: [0.002, 8],
      errors: 0.003,
      exception: "QueryTimeoutError",
      steps: [
        [local("search rank", { times: [2, 4] })],
        [http("catalog POST /products:batch", { times: [1, 3] })],
        maybe(0.3, [http("search GET /suggest", { optional: true })]),
      ],
    },
    "search GET /related": { own: [6, 0.8], tail: [0.003, 15], steps: [[local("search rank")]] },
    "search GET /suggest": { own: [4, 0.4], errors: 0 },
    "search rank": { kind: SpanKind.internal, own: [7, 0.7], tail: [0.003, 30], errors: 0 },

    "cart GET /cart": {
      own: [1.6, 0.3],
      steps: [...cached("carts", 0.2, 4), maybe(0.8, [http("catalog GET /prices")])],
    },
    "cart POST /items": {
      own: [2.4, 0.4],
      errors: 0.005,
      exception: "CartConflictError",
      steps: [
        [http("catalog GET /products/{id}"), http("inventory GET /stock/{sku}")],
        [sql("UPDATE carts", 5)],
        [cache("SET carts")],
      ],
    },
    "cart DELETE /cart": { own: [1.2, 0.3], steps: [[sql("DELETE carts", 4)], [cache("DEL carts")]] },
    "cart merge lines": { kind: SpanKind.internal, own: [0.8, 0.25], errors: 0 },

    "checkout POST /orders": {
      own: [9, 0.45],
      errors: 0.002,
      steps: [
        [http("cart GET /cart"), http("account GET /addresses")],
        [http("shipping POST /quotes"), http("inventory POST /reservations", { times: [1, 4] })],
        [local("checkout total order")],
        [http("payment POST /charges")],
        [sql("INSERT orders", 6, 0.5), http("cart DELETE /cart", { optional: true, detached: true })],
        [send("notification process order"), send("shipping process order")],
      ],
    },
    "checkout GET /orders/{id}": {
      own: [2.4, 0.4],
      steps: [[sql("SELECT orders", 5)], maybe(0.6, [http("shipping GET /parcels/{id}")])],
    },
    "checkout total order": { kind: SpanKind.internal, own: [2.5, 0.3], errors: 0 },

    "payment POST /charges": {
      own: [12, 0.35],
      errors: 0.02,
      exception: "CardDeclinedError",
      steps: [
        [local("payment check fraud")],
        [
          {
            via: "outside",
            to: "POST /authorize",
            outside: { system: "http", host: "cards.example", own: [140, 0.4] },
          },
        ],
        [sql("INSERT charges", 5)],
        [send("notification process receipt")],
      ],
    },
    "payment check fraud": { kind: SpanKind.internal, own: [20, 0.9], tail: [0.004, 12], errors: 0.001 },
    "payment GET /charges/{id}": { own: [1.5, 0.3], steps: [[sql("SELECT charges", 3)]] },

    "inventory GET /stock/{sku}": { own: [1.1, 0.2], errors: 0.001, steps: cached("stock", 0.3, 3) },
    "inventory POST /reservations": {
      own: [3, 0.4],
      errors: 0.01,
      exception: "OutOfStockError",
      steps: [[sql("SELECT stock FOR UPDATE", 4, 0.9)], [sql("UPDATE stock", 4)]],
    },
    "inventory reconcile stock": {
      kind: SpanKind.internal,
      own: [40, 0.3],
      errors: 0.002,
      steps: [[sql("SELECT stock levels", 30, 0.3)], [http("catalog POST /products:batch", { times: [2, 5] })]],
    },

    "shipping POST /quotes": {
      own: [15, 0.6],
      tail: [0.005, 25],
      errors: 0.008,
      exception: "CarrierUnavailableError",
      steps: [[local("shipping rate parcel", { times: [1, 3] })]],
    },
    "shipping rate parcel": { kind: SpanKind.internal, own: [3, 0.5], errors: 0 },
    "shipping GET /parcels/{id}": { own: [2, 0.35], steps: cached("parcels", 0.5, 3) },
    "shipping process order": {
      kind: SpanKind.consumer,
      own: [20, 0.5],
      errors: 0.003,
      steps: [[sql("INSERT parcels", 6)]],
    },
    "shipping collect parcels": {
      kind: SpanKind.internal,
      own: [60, 0.4],
      steps: [[sql("SELECT parcels due", 20)], [sql("UPDATE parcels", 5, 0.4, { times: [3, 8] })]],
    },

    "notification process order": {
      kind: SpanKind.consumer,
      own: [10, 0.6],
      errors: 0.005,
      exception: "TemplateError",
      steps: [[local("notification render mail")], [local("notification deliver mail", { detached: true })]],
    },
    "notification process receipt": {
      kind: SpanKind.consumer,
      own: [8, 0.5],
      steps: [[local("notification render mail")], [local("notification deliver mail", { detached: true })]],
    },
    "notification render mail": { kind: SpanKind.internal, own: [14, 0.4], errors: 0 },
    "notification deliver mail": { kind: SpanKind.internal, own: [120, 0.8], tail: [0.004, 10], errors: 0.01 },
  },
};
