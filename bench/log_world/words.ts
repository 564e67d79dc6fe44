// The words of generated log messages: forms with places for words, which a statement chooses once, and for parameters, drawn each time.

/** `[word]` is chosen when the statement is made, `{kind}` or `{name:kind}` is a parameter of `parameter.ts`. */
export const FORMS = {
  DEBUG: [
    "Cache {outcome:cache} for key [noun]:{id}",
    "Acquired connection {small} of {small} from pool [store]",
    "Parsed [noun] payload of {bytes} bytes from {ip}",
    "Evaluated rule [rule] for [noun] {id}: {flag}",
    "Skipping [noun] {id}, already [done]",
    "[component] tick {offset} took {ms}",
    "Resolved {host} to {ip} in {ms}",
    "Serialized {n} [noun]s as {codec}",
  ],
  INFO: [
    "[Done] [noun] {id} in {ms}",
    "[Done] [noun] {id} for user {user}",
    "[noun] {id} was [done] by {user} from {ip}",
    "Received [noun] {id} from {host}",
    "Loaded {n} [noun]s from [store] in {ms}",
    "[component]: refreshed {n} entries, hit rate {percent}%",
    "Published [event] to topic [topic] partition {small} offset {offset}",
    "Consumed {n} messages from [topic], lag {n}",
    "User {user} [done] [noun] {id}, plan {plan}",
    "Request for [noun] finished status={status} bytes={bytes} duration={ms}",
    "Flushed {n} [noun]s ({bytes} bytes) to [store]",
    "Pool [store]: active={small} idle={small} waiting={small}",
    "[component] rebalanced {small} partitions of [topic]",
    "Selected [rule] for [noun] {id} in region {region}",
    "Notified {n} subscribers of [event] for [noun] {id}",
    "[Done] {n} of {n} [noun]s through [component] via {provider}",
    "Rotated key of [component], version {small}",
    "Session of {user} continued from {ip} with {agent}",
    "Wrote snapshot {path} with {n} [noun]s, {bytes} bytes",
    "Price of [noun] {id} is {money} {currency}",
    "Connection from {ip}:{port} accepted by [component]",
    "[noun] {id} moved from {state} to {state}",
    "Heap {percent}% used, pause {ms}",
    "Exported {n} [noun]s to {path}",
    "Matched [noun] {id} with score {ratio} using [rule]",
    "Lease of [component] renewed by {host} until {offset}",
    "Import of [noun]s: {n} new, {n} changed, {n} unchanged",
    "Quota of {user} is {n} of {n} [noun]s",
  ],
  WARN: [
    "Slow query on [store]: [noun]s took {ms}",
    "Retrying call to [peer] for [noun] {id}, attempt {attempt} of 5",
    "[noun] {id} not found in [store]",
    "Token of user {user} has expired",
    "Rejected [noun] {id}: {reason}",
    "Queue [topic] is {percent}% full",
    "Client {ip} uses deprecated field [noun]_ref",
    "Connection to [store] was reset, {small} in flight",
    "[component] is behind by {n} [noun]s",
    "Circuit of [peer] is half open after {ms}",
    "Duplicate [event] for [noun] {id} ignored",
    "Rate limit of {user} reached: {n} [noun]s in one minute",
  ],
  ERROR: [
    "Failed to [do] [noun] {id}: timeout after {ms}",
    "Could not connect to [store] at {ip}:{port}: connection refused",
    "[peer] answered {failure} for [noun] {id}",
    "Cannot [do] [noun] {id} of user {user}: {reason}",
    "Dropped {n} [noun]s: [component] is closed",
    "Unhandled exception while trying to [do] [noun] {id}",
    "[component] could not read {path}: permission denied",
    "Transaction {id} on [store] was rolled back",
  ],
} as const;

/** Of statements that were never there before: for faults. */
export const UNHEARD = {
  ERROR: [
    "Assertion violated in [component]: expected {n} [noun]s but saw {n}",
    "Corrupt [noun] record {id} at offset {offset}, giving up",
    "panic: nil [noun] in [component] of {host}",
    "Certificate of [peer] is not trusted: issuer changed at {host}",
    "Disk of {host} has no space left for [noun]s",
  ],
  INFO: [
    "Fallback to [store] is active for [noun] {id}",
    "Throttling [noun]s of {user} for {ms}",
    "Replaying {n} [noun]s from journal {path}",
    "Migrating [noun] {id} to layout {small}",
  ],
} as const;

export const STARTING = [
  "Starting {service} on {host} with PID {port}",
  "Active profile is production",
  "Loaded configuration from {path}",
  "Connected to [store] at {ip}:{port}",
  "Registered {small} handlers for [noun]s",
  "Subscribed to [topic] as group {service}",
  "Migrations of [store] are up to date at version {small}",
  "[component] initialized in {ms}",
  "Warming cache with {n} [noun]s",
  "Telemetry exporter is ready",
  "Listening on port {port}",
  "Started {service} in {ms}",
] as const;

export const STOPPING = [
  "Received SIGTERM, shutting down",
  "Draining {small} connections",
  "Stopped [component]",
] as const;

/** Of a job that runs by the clock: its begin, what it says again and again, and its end. */
export const JOB = {
  begin: "Job [rule] of [noun]s started, {n} candidates",
  work: ["Job [rule]: processed [noun] {id} in {ms}", "Job [rule]: chunk {small} written to [store], {n} rows"],
  end: "Job [rule] of [noun]s finished: {n} processed, {small} skipped in {ms}",
} as const;

/** Of a sequence: what opens it, what may come between, what closes it, and what goes wrong in it now and then. */
export const SEQUENCE = {
  open: ["Opened [noun] transaction {id}", "Handling [event] for [noun] {id}", "Begin [rule] of [noun] {id} by {user}"],
  work: [
    "Validated [noun] {id} against [rule]",
    "Reserved {small} [noun]s at {region}",
    "Stored [noun] {id} in [store] in {ms}",
    "Asked [peer] about [noun] {id}: {status}",
    "Computed [rule] for [noun] {id}: {ratio}",
    "Enriched [noun] {id} with {small} fields",
    "Locked [noun] {id} for {user}",
  ],
  retry: "[peer] is busy, will try [noun] {id} again in {ms}",
  abort: "Gave up [noun] {id}: {reason}",
  close: [
    "Closed [noun] transaction {id} after {ms}",
    "Done with [event], {small} steps",
    "Released [noun] {id}, {bytes} bytes",
  ],
} as const;

export const WORDS: Readonly<Record<string, readonly string[]>> = {
  noun: (
    "order cart invoice shipment parcel refund voucher product offer review image thumbnail address account profile message email " +
    "contract ticket booking seat route vehicle payment payout ledger claim coupon basket wishlist subscription device token"
  ).split(" "),
  do: "create update validate publish index archive merge score reserve release verify encode dispatch reconcile".split(
    " ",
  ),
  done: (
    "created updated validated published indexed archived merged scored reserved released verified encoded dispatched reconciled " +
    "accepted resolved synchronized compacted"
  ).split(" "),
  component: (
    "Scheduler Dispatcher SessionStore TokenCache RouteTable PriceEngine BatchWriter EventLoop Replicator IndexBuilder StockKeeper " +
    "RuleEngine FeedReader MailQueue BlobStore HealthProbe Sampler LeaderElection WorkerPool RetryQueue"
  ).split(" "),
  store: "postgres redis mongodb elasticsearch cassandra mysql s3 dynamodb memcached clickhouse".split(" "),
  topic: "orders-v2 stock-changes mails audit clicks prices shipments user-events dead-letters".split(" "),
  event:
    "OrderPlaced StockChanged PriceUpdated UserCreated MailBounced PaymentSettled ItemShipped ReviewPosted SeatHeld".split(
      " ",
    ),
  rule: "fifo-match tax-2024 fraud-check nearest-depot credit-limit age-gate loyalty-tier price-floor dedupe weekly-digest".split(
    " ",
  ),
  peer: "bank-gateway geo-api tax-service mail-relay carrier-api identity ledger-core search-cluster pricing-api".split(
    " ",
  ),
};

export const SERVICES = (
  "gateway edge storefront account identity catalog search inventory cart checkout payment ledger shipping tracking mailer notifier " +
  "pricing promotions reviews media recommender fraud reporting scheduler importer exporter billing support audit sessions"
).split(" ");
