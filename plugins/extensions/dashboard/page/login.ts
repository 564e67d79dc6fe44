// Who may see this: a token is asked for once, and a cookie that no script can read is what is left of it.
import { h, type VNode } from "preact";
import { useState } from "preact/hooks";
import { ApiError, logIn } from "./api.ts";

export function Login({ done }: { done: () => void }): VNode<any> {
  const [token, setToken] = useState("");
  const [error, setError] = useState<ApiError>();
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    try {
      await logIn(token);
      done();
    } catch (failed) {
      setError(failed instanceof ApiError ? failed : new ApiError(0, String(failed)));
    }
    setBusy(false);
  };
  const field = {
    id: "token",
    type: "password",
    autocomplete: "current-password",
    required: true,
    value: token,
    "aria-describedby": "token-help",
    onInput: (event: Event) => setToken((event.target as HTMLInputElement).value),
  };
  return h(
    "form",
    { class: "login", onSubmit: submit },
    h("h1", { tabIndex: -1 }, "Log in to see what the agent sees."),
    h(
      "p",
      { id: "token-help", class: "dim" },
      "The token is the option token, or read_only_token, of the extension dashboard.",
    ),
    h("label", { for: "token" }, "Token"),
    h("input", field),
    error &&
      h("p", { role: "alert", class: "sev critical" }, `${error.message}${error.remedy ? `: ${error.remedy}` : ""}`),
    h("button", { class: "btn", type: "submit", disabled: busy }, "Log in"),
  );
}
