/** Ridge regression in closed form: a linear model with a penalty on the size of its standardised coefficients. */

export interface LinearFit {
  readonly coefficients: Float64Array;
  readonly intercept: number;
  /** Of each feature over the training rows; 1 where a feature is constant. */
  readonly mean: Float64Array;
  readonly scale: Float64Array;
  /** The least and the greatest training target: predictions stay within, as a line far from its data says anything. */
  readonly range: readonly [number, number];
}

/**
 * Minimises `mean((y - a - z b)^2) + lambda * |b|^2`, where z are the features, each standardised over the rows.
 *
 * Hoerl, Kennard: Ridge regression. Technometrics 12 (1970). https://doi.org/10.1080/00401706.1970.10488634
 *
 * @param features `[rows, columns]`
 */
export function fitRidge(features: Float32Array, targets: readonly number[], lambda: number): LinearFit {
  const rows = targets.length;
  const columns = features.length / rows;
  const { mean, scale } = standards(features, rows, columns);
  const intercept = targets.reduce((sum, target) => sum + target, 0) / rows;
  const normal = new Float64Array(columns * columns);
  const right = new Float64Array(columns);
  const z = new Float64Array(columns);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < columns; i++) z[i] = (at(features, row * columns + i) - at(mean, i)) / at(scale, i);
    for (let i = 0; i < columns; i++) {
      right[i] = at(right, i) + (at(z, i) * ((targets[row] as number) - intercept)) / rows;
      for (let j = 0; j <= i; j++) normal[i * columns + j] = at(normal, i * columns + j) + (at(z, i) * at(z, j)) / rows;
    }
  }
  // The last term keeps constant and repeated features solvable when lambda is 0.
  for (let i = 0; i < columns; i++) normal[i * columns + i] = at(normal, i * columns + i) + lambda + 1e-9;
  const range = [targets.reduce((a, b) => Math.min(a, b)), targets.reduce((a, b) => Math.max(a, b))] as const;
  return { coefficients: solveSymmetric(normal, right), intercept, mean, scale, range };
}

/** `[rows]` */
export function predictLinear(fit: LinearFit, features: Float32Array): Float32Array {
  const columns = fit.coefficients.length;
  const [low, high] = fit.range;
  return Float32Array.from({ length: features.length / columns }, (_, row) => {
    let sum = fit.intercept;
    for (let i = 0; i < columns; i++) {
      sum += ((at(features, row * columns + i) - at(fit.mean, i)) / at(fit.scale, i)) * at(fit.coefficients, i);
    }
    return Math.min(high, Math.max(low, sum));
  });
}

function standards(features: Float32Array, rows: number, columns: number): { mean: Float64Array; scale: Float64Array } {
  const mean = new Float64Array(columns);
  const scale = new Float64Array(columns);
  for (let column = 0; column < columns; column++) {
    for (let row = 0; row < rows; row++) mean[column] = at(mean, column) + at(features, row * columns + column) / rows;
    let squares = 0;
    for (let row = 0; row < rows; row++) squares += (at(features, row * columns + column) - at(mean, column)) ** 2;
    const std = Math.sqrt(squares / rows);
    // Relative to the mean, a smaller spread is rounding.
    scale[column] = std > 1e-7 * Math.abs(at(mean, column)) ? std : 1;
  }
  return { mean, scale };
}

/** Solves `a x = b` for a positive definite `a`, of which the lower triangle is read and overwritten (Cholesky). */
function solveSymmetric(a: Float64Array, b: Float64Array): Float64Array {
  const size = b.length;
  const x = Float64Array.from(b);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = at(a, i * size + j);
      for (let k = 0; k < j; k++) sum -= at(a, i * size + k) * at(a, j * size + k);
      a[i * size + j] = i === j ? Math.sqrt(sum) : sum / at(a, j * size + j);
    }
  }
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < i; k++) x[i] = at(x, i) - at(a, i * size + k) * at(x, k);
    x[i] = at(x, i) / at(a, i * size + i);
  }
  for (let i = size - 1; i >= 0; i--) {
    for (let k = i + 1; k < size; k++) x[i] = at(x, i) - at(a, k * size + i) * at(x, k);
    x[i] = at(x, i) / at(a, i * size + i);
  }
  return x;
}

function at(values: Float32Array | Float64Array, index: number): number {
  return values[index] as number;
}
