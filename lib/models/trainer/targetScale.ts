/** Networks learn the standardised target: steps are then of one size, whatever the target's unit. */
export interface TargetScale {
  readonly mean: number;
  /** 1 when all targets are the same. */
  readonly std: number;
}

/** For a network that learns the target in its own unit. */
export const unscaled: TargetScale = { mean: 0, std: 1 };

/** Rounded to float32, as the model stores them. */
export function targetScale(targets: readonly number[]): TargetScale {
  const mean = targets.reduce((sum, target) => sum + target, 0) / targets.length;
  const variance = targets.reduce((sum, target) => sum + (target - mean) ** 2, 0) / targets.length;
  return { mean: Math.fround(mean), std: Math.fround(Math.sqrt(variance)) || 1 };
}
