declare module "pngjs/browser.js" {
  import type { PNG } from "pngjs";

  const pngjs: { readonly PNG: typeof PNG };
  export = pngjs;
}
