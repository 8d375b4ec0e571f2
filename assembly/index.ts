// AssemblyScript, compiled by `npm run kernels`. Kernels over the memory of the wasm backend, which have no memory of
// their own. Every sum is in the order of the backend's own kernels, so that the results have the same bits. All numbers
// are float32; all lengths are in numbers, not bytes.

export { attendBackward, scores, values } from "./attention";
export { add, blend, exponents, gate, gateBackward, scaled } from "./elementwise";
export { layerNorm, layerNormBackward } from "./norm";
export { linear, linearBackward, products } from "./products";
