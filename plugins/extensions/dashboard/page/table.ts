// Tables, and the table behind a chart, whose rows are made when it is opened.
import { type ComponentChild, h, type VNode } from "preact";
import { useState } from "preact/hooks";

export interface TableProps {
  /** What it is of, for who cannot see where it stands. */
  readonly title: string;
  readonly heads: readonly string[];
  readonly rows: readonly (readonly ComponentChild[])[];
  /** Columns of numbers. */
  readonly numeric?: readonly number[];
}

export function Table({ title, heads, rows, numeric = [] }: TableProps): VNode<any> {
  const cell = (i: number) => (numeric.includes(i) ? "n" : undefined);
  const head = heads.map((each, i) => h("th", { scope: "col", class: cell(i) }, each));
  const body = rows.map((row) =>
    h(
      "tr",
      null,
      row.map((each, i) => h("td", { class: cell(i) }, each)),
    ),
  );
  return h(
    "div",
    { class: "scroll", tabIndex: 0, role: "region", "aria-label": `Table: ${title}` },
    h("table", null, h("thead", null, h("tr", null, head)), h("tbody", null, body)),
  );
}

export interface TableDetailsProps extends Omit<TableProps, "rows"> {
  /** Called while it is open only. */
  readonly rows: () => TableProps["rows"];
}

export function TableDetails({ rows, ...rest }: TableDetailsProps): VNode<any> {
  const [open, setOpen] = useState(false);
  return h(
    "details",
    { onToggle: (event: Event) => setOpen((event.currentTarget as HTMLDetailsElement).open) },
    h("summary", null, "Show as a table"),
    open && h(Table, { ...rest, rows: rows() }),
  );
}
