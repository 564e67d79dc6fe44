// Why a file that the configuration names cannot be read, and what to do about it.

const REMEDY: Record<string, string> = {
  ENOENT: "there is no such file; correct the path, or put the file there",
  ENOTDIR: "there is no such file; correct the path",
  EACCES: "this user may not read it; change its owner or its mode",
  EPERM: "this user may not read it; change its owner or its mode",
};

/** In words for the operator. */
export function unreadable({ code = "", message }: NodeJS.ErrnoException): string {
  return REMEDY[code] ?? message;
}
