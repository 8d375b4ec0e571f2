import * as tf from "@tensorflow/tfjs-core";

/** What is used of a backend that allocates by itself, beside TensorFlow.js's engine: wasm's. */
interface Allocating {
  move(dataId: object, values: unknown, shape: readonly number[], ...rest: unknown[]): void;
  disposeData(dataId: object, force?: boolean): boolean;
}

/**
 * The most bytes that `work` holds at once beside what was there before. On wasm all that the backend allocates, with
 * what kernels keep for themselves; elsewhere what the engine counts after each kernel.
 */
export async function peakBytes(work: () => Promise<unknown>): Promise<number> {
  if (tf.getBackend() === "wasm") return peakOfBackend(tf.backend() as unknown as Allocating, work);
  const before = tf.memory().numBytes;
  const profile = await tf.profile(async () => {
    await work();
    return tf.scalar(0);
  });
  return profile.peakBytes - before;
}

async function peakOfBackend(backend: Allocating, work: () => Promise<unknown>): Promise<number> {
  const { move, disposeData } = backend;
  const held = new Map<object, number>();
  let [bytes, peak] = [0, 0];
  backend.move = (dataId, values, shape, ...rest) => {
    move.call(backend, dataId, values, shape, ...rest);
    const size = 4 * shape.reduce((one, other) => one * other, 1);
    held.set(dataId, size);
    bytes += size;
    peak = Math.max(peak, bytes);
  };
  backend.disposeData = (dataId, force) => {
    const disposed = disposeData.call(backend, dataId, force);
    if (disposed) bytes -= held.get(dataId) ?? 0;
    if (disposed) held.delete(dataId);
    return disposed;
  };
  try {
    await work();
  } finally {
    Object.assign(backend, { move, disposeData });
  }
  return peak;
}
