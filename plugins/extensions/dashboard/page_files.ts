// The page's files as they are served: types stripped, imports made URLs, compressed once, with a tag that changes with the content.
import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { createRequire, stripTypeScriptTypes } from "node:module";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
};

/** What browsers cannot look up by name. */
const MODULES: Readonly<Record<string, string>> = {
  preact: "/lib/preact.js",
  "preact/hooks": "/lib/hooks.js",
  uplot: "/lib/uplot.js",
};

export type Encoding = "br" | "gzip" | "identity";

export interface Served {
  readonly type: string;
  readonly encoding: Encoding;
  /** A strong one, of these very bytes. */
  readonly etag: string;
  readonly body: Buffer;
}

interface Read {
  /** Of the file: when it changes, it is read anew. */
  readonly stamp: string;
  readonly bytes: Promise<Buffer>;
  readonly encoded: Map<Encoding, Promise<Served>>;
}

const compressed = {
  br: (bytes: Buffer) =>
    promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }) as Promise<Buffer>,
  gzip: (bytes: Buffer) => promisify(gzip)(bytes, { level: 9 }) as Promise<Buffer>,
};

export class PageFiles {
  /** By URL path; nothing else is ever read. */
  readonly #files = new Map<string, URL>();
  readonly #read = new Map<string, Read>();

  /** `folder` is that of the page: `.ts` in a clone, `.js` in the published package. Throws when it cannot be read. */
  constructor(folder: URL) {
    for (const name of readdirSync(folder)) {
      const [, stem, end] = /^([a-z][a-z0-9_]*)\.(html|css|svg|ts|js)$/.exec(name) ?? [];
      if (stem === undefined) continue;
      const url = name === "index.html" ? "/" : `/page/${stem}.${end === "ts" ? "js" : end}`;
      this.#files.set(url, new URL(name, folder));
    }
    const require = createRequire(import.meta.url);
    this.#files.set(MODULES["preact"], new URL(import.meta.resolve("preact")));
    this.#files.set(MODULES["preact/hooks"], new URL(import.meta.resolve("preact/hooks")));
    // its module is not minified: the script that is defines a variable
    this.#files.set(MODULES["uplot"], pathToFileURL(require.resolve("uplot/dist/uPlot.iife.min.js")));
    this.#files.set("/page/uplot.css", pathToFileURL(require.resolve("uplot/dist/uPlot.min.css")));
    const icon = this.#files.get("/page/favicon.svg");
    if (icon) this.#files.set("/favicon.ico", icon);
  }

  /** Undefined where there is no such path. `accepts` is the request's accept-encoding. */
  async get(path: string, accepts: string): Promise<Served | undefined> {
    const file = this.#files.get(path);
    if (!file) return undefined;
    const { mtimeMs, size } = await stat(file);
    const stamp = `${mtimeMs} ${size}`;
    let read = this.#read.get(path);
    if (read?.stamp !== stamp) {
      const bytes = contentOf(file);
      read = { stamp, bytes, encoded: new Map() };
      this.#read.set(path, read);
      // one that failed is tried again
      bytes.catch(() => this.#read.delete(path));
    }
    const encoding = encodingFor(accepts);
    let served = read.encoded.get(encoding);
    if (!served) {
      served = encode(read.bytes, encoding, TYPES[/\w+$/.exec(file.pathname)![0].replace(/^(ts|mjs)$/, "js")]);
      read.encoded.set(encoding, served);
      served.catch(() => read.encoded.delete(encoding));
    }
    return served;
  }
}

async function contentOf(file: URL): Promise<Buffer> {
  const bytes = await readFile(file);
  if (/\.iife\.min\.js$/.test(file.pathname)) return Buffer.concat([bytes, Buffer.from("\nexport default uPlot;\n")]);
  if (/\.ts$/.test(file.pathname)) return Buffer.from(withUrls(stripped(bytes.toString())));
  return /\.m?js$/.test(file.pathname) ? Buffer.from(withUrls(bytes.toString())) : bytes;
}

/** Node warns that this is experimental, which users of an agent cannot act on. */
function stripped(text: string): string {
  const { emitWarning } = process;
  process.emitWarning = (warning: string | Error, ...rest: any[]) => {
    if (!String(warning).includes("stripTypeScriptTypes")) emitWarning.call(process, warning, ...rest);
  };
  try {
    return stripTypeScriptTypes(text, { mode: "strip" });
  } finally {
    process.emitWarning = emitWarning;
  }
}

const withUrls = (text: string): string =>
  text
    .replace(
      /(\b(?:from|import)\s*\(?\s*)(["'])([^"'\n]+)\2/g,
      (whole, before: string, quote: string, name: string) => {
        const url = MODULES[name] ?? (/^\.\/\w+\.ts$/.test(name) ? `${name.slice(0, -2)}js` : undefined);
        return url === undefined ? whole : before + quote + url + quote;
      },
    )
    // the maps are not served
    .replace(/^\/\/# sourceMappingURL=.*$/gm, "");

function encodingFor(accepts: string): Encoding {
  const offered = accepts.split(",").flatMap((each) => {
    const [name, ...parameters] = each
      .trim()
      .toLowerCase()
      .split(/\s*;\s*/);
    return parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter)) ? [] : name;
  });
  return offered.includes("br") ? "br" : offered.includes("gzip") ? "gzip" : "identity";
}

async function encode(bytes: Promise<Buffer>, encoding: Encoding, type: string): Promise<Served> {
  const plain = await bytes;
  const body = encoding === "identity" ? plain : await compressed[encoding](plain);
  const etag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
  return { type, encoding, etag, body };
}
