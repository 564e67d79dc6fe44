// Sending over HTTP/1.1 (`vedette/http`): the options, connections and answers that exporters share.
export * from "./answer.ts";
export * from "./client.ts";
export { compressorOf } from "./compression.ts";
export * from "./deliveries.ts";
export { type Answer, MOST_OF_AN_ANSWER } from "./exchange.ts";
export * from "./facts.ts";
export * from "./options.ts";
export * from "./text.ts";
export * from "./told.ts";
