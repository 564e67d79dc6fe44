// The options of basicauth: either users to let in, or one to be elsewhere.
import { z } from "vedette";
import { parseHtpasswd } from "./htpasswd.ts";

const htpasswd = z
  .object({
    file: z.string().min(1).optional().describe("htpasswd file, read again when it changes."),
    inline: z
      .string()
      .meta({ secret: true })
      .optional()
      .describe("Lines of such a file; a user in both has the password that is written here."),
  })
  .superRefine(({ file, inline }, context) => {
    const refuse = (path: string[], message: string) => context.addIssue({ code: "custom", path, message });
    if (file === undefined && inline === undefined) refuse(["file"], "is missing; give it, or inline, or both");
    if (inline === undefined) return;
    try {
      if (parseHtpasswd(inline).size === 0 && file === undefined) refuse(["inline"], "it holds no user");
    } catch (error) {
      refuse(["inline"], (error as Error).message);
    }
  });

/** What can stand in front of the colon of HTTP's Basic scheme. */
const isName = (name: string) => /^[^:\p{Cc}]+$/u.test(name);
const isPassword = (password: string) => /^\P{Cc}+$/u.test(password);

const client = z
  .object({
    username: z
      .string()
      .refine(isName, { error: "is empty, or holds a colon or a control character, which a name cannot" })
      .optional()
      .describe("Name to send."),
    password: z
      .string()
      .refine(isPassword, { error: "is empty, or holds a control character" })
      .meta({ secret: true })
      .optional()
      .describe("Password to send."),
    username_file: z
      .string()
      .min(1)
      .optional()
      .describe("File that holds the name, instead of `username`; read again when it changes."),
    password_file: z
      .string()
      .min(1)
      .optional()
      .describe("File that holds the password, instead of `password`; read again when it changes."),
  })
  .superRefine((options, context) => {
    for (const text of ["username", "password"] as const) {
      const file = `${text}_file` as const;
      if ((options[text] === undefined) !== (options[file] === undefined)) continue;
      const missing = options[text] === undefined;
      const message = missing ? `is missing; give it, or ${file}` : `give either ${text} or this`;
      context.addIssue({ code: "custom", path: [missing ? text : file], message });
    }
  });

export const options = z
  .object({
    htpasswd: htpasswd.optional().describe("Who may send to a receiver that names this extension."),
    client_auth: client.optional().describe("What an exporter sends that names this extension."),
  })
  .superRefine(({ htpasswd, client_auth }, context) => {
    if ((htpasswd === undefined) !== (client_auth === undefined)) return;
    const message = htpasswd
      ? "give either htpasswd or this; for both, define two extensions: basicauth/server and basicauth/client"
      : "is missing; give it to check who sends to a receiver, or client_auth to send a password from an exporter";
    context.addIssue({ code: "custom", path: [htpasswd ? "client_auth" : "htpasswd"], message });
  });

export type ServerOptions = z.output<typeof htpasswd>;
export type ClientOptions = z.output<typeof client>;

/** Throws what is wrong with the text of a file, without any of it. */
export function onlyLine(text: string, what: "name" | "password"): string {
  const line = text.trim();
  if (what === "name" ? isName(line) : isPassword(line)) return line;
  throw new Error(`it does not hold one ${what} on one line; correct it`);
}
