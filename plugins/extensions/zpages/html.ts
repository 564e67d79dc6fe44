// HTML from data: everything is escaped but what was made here.

/** Text that is HTML already. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Part = Html | string | number | readonly (Html | string | number)[];

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function textOf(part: Part): string {
  if (part instanceof Html) return part.text;
  if (typeof part === "object") return part.map(textOf).join("");
  return String(part).replace(/[&<>"']/g, (character) => ENTITIES[character]);
}

/** A template whose values are escaped unless they are Html; lists are joined. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(strings.reduce((text, string, i) => text + textOf(parts[i - 1]) + string));
}

const STYLE = new Html(`
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 1.5rem auto; max-width: 70rem; padding: 0 1rem; }
nav a { margin-right: 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #8886; padding: .35rem .75rem .35rem 0; text-align: left; vertical-align: top; }
ul { list-style: none; margin: 0; padding: 0; }
b { font-variant-numeric: tabular-nums; }
.error { font-weight: 600; }
`);

const PAGES = [
  ["servicez", "Service"],
  ["pipelinez", "Pipelines"],
  ["extensionz", "Extensions"],
  ["servicegraphz", "Service graph"],
] as const;

/** A whole document; `content` begins below the heading. */
export function document(title: string, content: Html): string {
  const links = PAGES.map(([path, name]) => {
    const current = name === title ? html` aria-current="page"` : "";
    return html`<a href="/debug/${path}"${current}>${name}</a>`;
  });
  return html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title} - Vedette</title><style>${STYLE}</style></head>
<body>
<header><nav aria-label="Pages">${links}</nav></header>
<main>
<h1>${title}</h1>
${content}
</main>
</body>
</html>
`.text;
}

/** Rows of cells below a heading each; the first cell of a row is what the row is about. */
export function table(caption: string, headings: readonly string[], rows: readonly (readonly Part[])[]): Html {
  if (rows.length === 0) return html`<p>${caption}: none.</p>`;
  const body = rows.map(([first, ...rest]) => {
    return html`<tr><th scope="row">${first}</th>${rest.map((cell) => html`<td>${cell}</td>`)}</tr>\n`;
  });
  const head = headings.map((heading) => html`<th scope="col">${heading}</th>`);
  return html`<div class="wide" role="region" aria-label="${caption}" tabindex="0"><table><thead><tr>${head}</tr></thead>
<tbody>
${body}</tbody></table></div>`;
}
