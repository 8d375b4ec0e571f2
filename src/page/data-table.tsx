import type { VNode } from "preact";

/** What `DataTable` shows. */
export interface DataTableProps {
  readonly caption: string;
  /** The first heads the rows' own headers. */
  readonly columns: readonly string[];
  /** The first of each is the row's header. */
  readonly rows: readonly (readonly string[])[];
}

/** A table that scrolls within its place where that is narrow, by keyboard too. */
export function DataTable({ caption, columns, rows }: DataTableProps): VNode {
  return (
    <div class="scroll" tabindex={0} role="region" aria-label={caption}>
      <table>
        <caption>{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th scope="col">{column}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(([head = "", ...cells]) => (
            <tr>
              <th scope="row">{head}</th>
              {cells.map((cell) => (
                <td>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
