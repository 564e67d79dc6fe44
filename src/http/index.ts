// Sending over HTTP/1.1 (`vedette/http`): the options, connections and answers that exporters share.
export * from "./answer.ts";
export * from "./client.ts";
export { type Answer, MOST_OF_AN_ANSWER } from "./exchange.ts";
export * from "./options.ts";
