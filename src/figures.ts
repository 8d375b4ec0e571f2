// `vlm-notice/figures`: pictures of what was found, in Node and in browsers.

export type { HeadMap, MapAxis } from "./page/map.js";
export { type AnswerAttention, answerAttention, type LookedAt } from "./patching/answer-attention.js";
export type { VegaLiteSpec } from "./report/figure.js";
export { headMapPng, headMapSpec, headMapSvg } from "./report/heatmap.js";
export { drawOverlay, type OverlayOptions, type OverlayPicture } from "./report/overlay.js";
export { type ScoreMapOptions, scoreMap } from "./report/score-map.js";
