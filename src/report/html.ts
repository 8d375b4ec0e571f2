import { h, type VNode } from "preact";
import { render } from "preact-render-to-string";
import { DataTable, type DataTableProps } from "../page/data-table.js";

/** Markup that is safe to put into a page: text of others got into it escaped. */
export class Html {
  constructor(readonly markup: string) {}
}

/** A component of the page, as it stands still. */
export function component<Props extends object>(type: (props: Props) => VNode, props: Props): Html {
  return new Html(render(h(type, props)).replace(/[\p{Cc}\p{Cs}]/gu, "\uFFFD"));
}

type HtmlContent = Html | string | number | readonly HtmlContent[];

/** Markup with values in it; whatever is not markup itself is escaped, lists are strung together. */
export function html(strings: TemplateStringsArray, ...values: readonly HtmlContent[]): Html {
  return new Html(strings.reduce((page, string, i) => page + markupOf(values[i - 1]!) + string));
}

function markupOf(content: HtmlContent): string {
  if (content instanceof Html) return content.markup;
  return Array.isArray(content) ? content.map(markupOf).join("") : escapeHtml(`${content}`);
}

const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** Text as it may stand in elements and quoted attributes. Control characters and halves of pairs become U+FFFD. */
function escapeHtml(text: string): string {
  return text.replace(/[\p{Cc}\p{Cs}]/gu, "\uFFFD").replace(/[&<>"']/g, (letter) => ENTITIES[letter]!);
}

/** A value as JSON that ends no script element, wherever it stands in one. */
export function jsonScript(id: string, value: unknown): Html {
  const json = JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return new Html(`<script type="application/json" id="${id}">${json}</script>`);
}

/** A program as it may stand in a script element: `<\/` and `<\!` are `</` and `<!` within strings and expressions. */
export function inlineScript(code: string): string {
  return code.replaceAll("\r", "").replace(/<(?=\/script|!--)/gi, "<\\");
}

/** A table that scrolls within its place where that is narrow, by keyboard too. */
export const table = (content: DataTableProps): Html => component(DataTable, content);

/** A figure's numbers, behind a line that opens them. */
export function foldedTable(content: DataTableProps): Html {
  return html`<details><summary>Numbers</summary>${table(content)}</details>
`;
}
