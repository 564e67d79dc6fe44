// A view before its first answer, and one that has none.
import { h, type VNode } from "preact";
import type { ApiError } from "./api.ts";
import { errorWords, Ghosts, Head } from "./facts.ts";

export function Loading(): VNode<any> {
  return h("div", null, h(Head, { title: "Asking the agent …" }), h(Ghosts, {}));
}

/** `title`: a sentence that says what is not there. */
export function Unanswered({ title, error }: { title: string; error: ApiError }): VNode<any> {
  return h(Head, { title }, h("p", { role: "alert" }, errorWords(error)));
}
