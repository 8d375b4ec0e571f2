import { CholeskyDecomposition, Matrix } from "ml-matrix";
import { pearson } from "../../src/patching/agreement.js";

/** Share of the covariance that is replaced by equal variances, so that it can be inverted whatever is given. */
const SHRINKAGE = 0.1;

/**
 * How far rows lie from those that were given: Mahalanobis' distance to the nearest class's mean, the classes sharing
 * one covariance (Lee et al. 2018, 1807.03888), over the root of the width. So it is about 1 for rows of their kind.
 *
 * @param classes [class][row][width]
 */
export function distanceFrom(classes: readonly (readonly (readonly number[])[])[]): (row: readonly number[]) => number {
  const width = classes[0]![0]!.length;
  const centres = classes.map((rows) => new Matrix(rows as number[][]).mean("column"));
  const centred = classes.flatMap((rows, c) => rows.map((row) => row.map((value, i) => value - centres[c]![i]!)));
  const deviations = new Matrix(centred);
  const covariance = deviations.transpose().mmul(deviations).div(centred.length);
  const mean = covariance.trace() / width;
  const shrunk = covariance.mul(1 - SHRINKAGE).add(Matrix.eye(width).mul(SHRINKAGE * mean));
  const inverse = new CholeskyDecomposition(shrunk);
  return (row) => {
    const squares = centres.map((centre) => {
      const far = Matrix.columnVector(row.map((value, i) => value - centre[i]!));
      return far.transpose().mmul(inverse.solve(far)).get(0, 0);
    });
    return Math.sqrt(Math.min(...squares) / width);
  };
}

/** Spearman's correlation: of ranks, equal values sharing theirs. Null where one side is the same everywhere. */
export const spearman = (a: readonly number[], b: readonly number[]): number | null => pearson(ranks(a), ranks(b));

function ranks(values: readonly number[]): number[] {
  const sorted = [...values].sort((a, b) => a - b);
  return values.map((value) => (sorted.indexOf(value) + sorted.lastIndexOf(value)) / 2);
}
