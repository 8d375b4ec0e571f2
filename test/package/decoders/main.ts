import { decodePicture, encodePng } from "vlm-notice";
import { headMapPng } from "vlm-notice/figures";

// What the test calls from outside.
Object.assign(globalThis, { notice: { decodePicture, encodePng, headMapPng } });
