// `vlm-notice/display`: values as people look at them, in terminals, notebooks and files.
export type { Look } from "./display/look.js";
export { type LookOptions, Overlay, overlay } from "./display/overlay.js";
export { type MimeBundle, Shown, show } from "./display/show.js";
export { PLAIN, type Terminal, terminalOf } from "./display/terminal.js";
export type { View } from "./display/view.js";
export type { Showable } from "./display/views.js";
