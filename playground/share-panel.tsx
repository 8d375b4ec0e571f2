import type { VNode } from "preact";
import { pictureUrl } from "../src/page/picture-url.js";
import { codeOf, FILES, resultOf } from "./code.js";
import { saveFile, savePng, svgOf } from "./downloads.js";
import type { View } from "./view.js";

/** The address of what is shown, files of it, and programs that find the same. */
export function SharePanel({ view }: { readonly view: View }): VNode {
  const code = codeOf(view);
  const copy = (text: string) => void navigator.clipboard.writeText(text);
  return (
    <section aria-labelledby="share">
      <h2 id="share">Take it with you</h2>
      <div class="row">
        <button type="button" onClick={() => copy(location.href)}>
          Copy the address
        </button>
        <button type="button" onClick={() => saveFile("heads.svg", "image/svg+xml", svgOf(document))}>
          Map as SVG
        </button>
        <button type="button" onClick={() => void savePng("heads.png", svgOf(document))}>
          Map as PNG
        </button>
        <button type="button" onClick={() => saveFile("notice.json", "application/json", resultOf(view))}>
          All as JSON
        </button>
      </div>
      <p>The address holds all but pictures of your own, which stay on this machine.</p>
      <details>
        <summary>The same from code</summary>
        <p>
          With the two pictures beside it: <Saved view={view} which="image" />,{" "}
          <Saved view={view} which="corruptImage" />.
        </p>
        {(["typescript", "shell"] as const).map((kind) => (
          <>
            <button type="button" onClick={() => copy(code[kind])}>
              Copy {kind === "shell" ? "the command" : "TypeScript"}
            </button>
            <pre class="scroll" id={`code-${kind}`} tabindex={0} role="region" aria-label={kind}>
              {code[kind]}
            </pre>
          </>
        ))}
      </details>
    </section>
  );
}

function Saved({ view, which }: { readonly view: View; readonly which: "image" | "corruptImage" }): VNode {
  return (
    <a download={FILES[which]} href={pictureUrl(view.given[which])}>
      {FILES[which]}
    </a>
  );
}
