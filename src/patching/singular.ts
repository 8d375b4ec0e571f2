import * as tf from "@tensorflow/tfjs-core";
import type { Matrix } from "ml-matrix";
import { checkObject, NoticeError } from "../base/errors.js";
import type { HeadWeights } from "./head-weights.js";

/**
 * A matrix of a head as a sum of directions: Σ σᵢ uᵢ vᵢᵀ (Millidge & Black 2022). A row x that reads along uᵢ writes
 * along vᵢ (OV), or looks for rows y along vᵢ (QK). The caller disposes of them.
 */
export interface SingularValues extends Disposable {
  /** [direction], the largest first; as many as the head is wide. */
  readonly S: tf.Tensor1D;
  /** [width, direction], columns of length 1: of the rows that are attended to (OV), or that attend (QK). */
  readonly U: tf.Tensor2D;
  /** [width, direction], columns of length 1: what is written (OV), or what is looked for (QK). */
  readonly V: tf.Tensor2D;
}

/**
 * The singular value decomposition of a head's OV or QK, by that of a matrix as small as the head is wide.
 *
 * @throws NoticeError `options` for another matrix.
 * @example using written = await singularValues(weights, "OV"); // model.unembed(tf.transpose(written.V)) in words
 */
export async function singularValues(weights: HeadWeights, of: "OV" | "QK"): Promise<SingularValues> {
  if (of !== "OV" && of !== "QK")
    throw new NoticeError("options", `singularValues decomposes "OV" or "QK", and ${JSON.stringify(of)} was given.`);
  checkObject("What singularValues decomposes", weights, "what `model.headWeights` returns");
  // A Bᵀ, whose factors have as many columns as the head is wide.
  const [a, b] = of === "OV" ? [weights.V, tf.transpose(weights.O)] : [weights.Q, weights.K];
  const [left, right] = [await orthogonal(a), await orthogonal(b as tf.Tensor2D)];
  if (of === "OV") b.dispose();
  const { SingularValueDecomposition } = await import("ml-matrix");
  const inner = new SingularValueDecomposition(left.R.mmul(right.R.transpose()), { autoTranspose: true });
  const made = tf.tidy(() => ({
    S: tf.tensor1d(inner.diagonal),
    U: tensorOf(left.Q.mmul(inner.leftSingularVectors)),
    V: tensorOf(right.Q.mmul(inner.rightSingularVectors)),
  }));
  return { ...made, [Symbol.dispose]: () => tf.dispose(made) };
}

/** A = Q R with orthonormal columns in Q. */
async function orthogonal(tensor: tf.Tensor2D): Promise<{ Q: Matrix; R: Matrix }> {
  const { Matrix, QrDecomposition } = await import("ml-matrix");
  const [rows, columns] = tensor.shape;
  const matrix = Matrix.from1DArray(rows, columns, await tensor.data());
  // A head may be wider than what it reads.
  if (rows < columns) return { Q: Matrix.eye(rows), R: matrix };
  const { orthogonalMatrix, upperTriangularMatrix } = new QrDecomposition(matrix);
  return { Q: orthogonalMatrix, R: upperTriangularMatrix };
}

const tensorOf = (matrix: Matrix): tf.Tensor2D => tf.tensor2d(matrix.to1DArray(), [matrix.rows, matrix.columns]);
