/** Networks learn the standardised target: steps are then of one size, whatever the target's unit. */
export interface TargetScale {
  readonly mean: number;
  /** 1 when all targets are the same. */
  readonly std: number;
  /** Where predictions are clipped. */
  readonly range?: readonly [least: number, most: number];
}

/** For a network that learns the target in its own unit. */
const unscaled = { mean: 0, std: 1 };

/** Of the plots that a network learns from. Rounded to float32, as the model stores them. */
export function targetScale(
  targets: readonly number[],
  { standardize, clip }: { readonly standardize: boolean; readonly clip: boolean },
): TargetScale {
  const range = [Math.fround(Math.min(...targets)), Math.fround(Math.max(...targets))] as const;
  return { ...(standardize ? moments(targets) : unscaled), ...(clip && { range }) };
}

function moments(targets: readonly number[]): { mean: number; std: number } {
  const mean = targets.reduce((sum, target) => sum + target, 0) / targets.length;
  const variance = targets.reduce((sum, target) => sum + (target - mean) ** 2, 0) / targets.length;
  return { mean: Math.fround(mean), std: Math.fround(Math.sqrt(variance)) || 1 };
}

/** What a network's standardised prediction says in the target's unit. */
export function inTargetUnit(standard: number, { mean, std, range }: TargetScale): number {
  const value = standard * std + mean;
  return range ? Math.min(Math.max(value, range[0]), range[1]) : value;
}

/** The scale as a model's tensors, by the names that {@link storedScale} knows. */
export function scaleTensors({ mean, std, range }: TargetScale) {
  const numbers = {
    'target/mean': mean,
    'target/std': std,
    ...(range && { 'target/least': range[0], 'target/most': range[1] }),
  };
  return Object.entries(numbers).map(([name, value]) => ({ name, shape: [1], values: Float32Array.of(value) }));
}

/** @param read gives the tensor of a name, if there is one */
export function storedScale(read: (name: string) => number | undefined): TargetScale | undefined {
  const [mean, std, least, most] = ['mean', 'std', 'least', 'most'].map((name) => read(`target/${name}`));
  if (mean === undefined || std === undefined) return undefined;
  return { mean, std, ...(least !== undefined && most !== undefined && { range: [least, most] as const }) };
}
