// What a URL may hold that nobody but its server should read.

/** A whole text that a URL parser would take, or that lacks only its scheme: "http:me:secret@host", "me:secret@host:4317". */
const WHOLE = /^(?:(\s*https?:[\\/]*)[^\\/?#]*|[^\s\\/?#@:]*:[^\s\\/?#]*)@/i;
/** Within any text; a slash in a password, which should have been %2F, is not its end unless a port stands before it. */
const WITHIN =
  /(\b[a-z][a-z0-9+.-]{0,30}:\/\/)(?:[^\s/?#]{0,2000}|[^\s/?#@:[]{0,300}:(?!\d{1,5}(?:[\s/?#]|$))\S{0,2000})@/gi;

/** The text, with the name and password of every URL in it replaced. */
export const withoutUserinfo = (text: string): string =>
  text.replace(WHOLE, "$1(redacted)@").replace(WITHIN, "$1(redacted)@");
