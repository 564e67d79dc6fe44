// What a URL may hold that nobody but its server should read.

const USERINFO = /([a-z][a-z0-9+.-]*:\/\/)[^\s/?#"']*@/gi;

/** The text, with the name and password of every URL in it replaced. */
export const withoutUserinfo = (text: string): string => text.replace(USERINFO, "$1(redacted)@");
