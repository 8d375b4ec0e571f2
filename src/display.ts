// `vlm-notice/display`: values as people look at them, in terminals, notebooks and files.
export { type LookOptions, Overlay, overlay } from "./display/overlay.js";
export { type MimeBundle, Shown, show } from "./display/show.js";
export { PLAIN, type Terminal, terminalOf } from "./display/terminal.js";
export type { Look, Showable, View } from "./display/views.js";
