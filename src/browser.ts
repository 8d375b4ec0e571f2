// `vlm-notice/browser`: a model in a Web Worker, and the components that show what it found, for pages.
export { NoticeError, type NoticeErrorCode } from "./base/errors.js";
export { type BrowserWorker, type OpenWorkerOptions, openWorker } from "./executors/browser-worker.js";
export { type AnswerBar, AnswerBars, type AnswerBarsProps } from "./page/answer-bars.js";
export { CircuitCard, type CircuitCardProps } from "./page/circuit-card.js";
export type { EffectScore } from "./page/effect-bar.js";
export { type CellPlace, HeadMap, type HeadMapProps } from "./page/head-map.js";
export { Legend, type LegendProps } from "./page/legend.js";
export type { HeadMap as HeadMapData, MapAxis } from "./page/map.js";
export { mount } from "./page/mount.js";
export { PictureOverlay, type PictureOverlayProps, type ShownPicture } from "./page/picture-overlay.js";
export { pictureUrl } from "./page/picture-url.js";
export { PAGE_STYLE } from "./page/style.js";
export { type FoldedTokens, TokenStrip, type TokenStripProps } from "./page/token-strip.js";
export { drawOverlay, type OverlayOptions, type OverlayPicture } from "./report/overlay.js";
export { type ScoreMapOptions, scoreMap } from "./report/score-map.js";
