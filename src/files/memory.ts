import { freemem } from "node:os";

/** Bytes that this process may still take, within a container's limit where there is one (Node 20.13 knows it). */
export function availableMemory(): number {
  return process.availableMemory?.() ?? freemem();
}
