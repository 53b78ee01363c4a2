/** How far predictions are off, as plain numbers. */
export interface Scores {
  readonly mae: number;
  readonly rmse: number;
  /** 1 - squared errors / squared deviations of the targets from their mean; 0 where all targets are the same. */
  readonly r2: number;
  /** Mean of predicted minus true. */
  readonly bias: number;
}

/** @param chosen which plots, with repetitions; all of them once when absent */
export function score(targets: ArrayLike<number>, predictions: ArrayLike<number>, chosen?: Uint32Array): Scores {
  const count = chosen?.length ?? targets.length;
  let absolute = 0;
  let squared = 0;
  let signed = 0;
  let sum = 0;
  for (let at = 0; at < count; at++) {
    const plot = chosen ? (chosen[at] as number) : at;
    const error = (predictions[plot] as number) - (targets[plot] as number);
    absolute += Math.abs(error);
    squared += error * error;
    signed += error;
    sum += targets[plot] as number;
  }
  const mean = sum / count;
  let spread = 0;
  for (let at = 0; at < count; at++) spread += ((targets[chosen ? (chosen[at] as number) : at] as number) - mean) ** 2;
  return {
    mae: absolute / count,
    rmse: Math.sqrt(squared / count),
    r2: spread > 0 ? 1 - squared / spread : 0,
    bias: signed / count,
  };
}
