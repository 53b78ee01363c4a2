import { philoxWords } from './philox.ts';

/** What a random number is for: two uses never share a number. New uses are appended, or old runs would change. */
export const uses = {
  order: 1,
  weights: 2,
  bootstrap: 3,
  dropout: 4,
  augmentation: 5,
  mixup: 6,
  folds: 7,
  figures: 8,
} as const;
export type Use = keyof typeof uses;

/** Where a random number stands. The same place gives the same number, whatever was drawn before it, so a resumed run needs no generator state. */
export interface Place {
  readonly seed: number;
  readonly use: Use;
  /** 32 bits each; what they count is up to the use. */
  readonly epoch?: number;
  readonly step?: number;
}

/** `count` numbers in [0, 1), each a multiple of 2^-32. */
export function uniforms({ seed, use, epoch = 0, step = 0 }: Place, count: number): Float64Array {
  const high = Math.floor(seed / 2 ** 32) >>> 0;
  const words = philoxWords([0, step, epoch, uses[use]], [seed >>> 0, high], count);
  const draws = new Float64Array(count);
  // An iterator over millions of them would take longer than they do.
  for (let index = 0; index < count; index++) draws[index] = (words[index] as number) / 2 ** 32;
  return draws;
}

/** The numbers 0 to `count` - 1 in a random order (Fisher-Yates; the bias of scaling 32 bits is below `count` / 2^32). */
export function permutation(place: Place, count: number): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, index) => index);
  const draws = uniforms(place, count);
  for (let last = count - 1; last > 0; last--) {
    const other = Math.floor((draws[last] as number) * (last + 1));
    const kept = order[last] as number;
    order[last] = order[other] as number;
    order[other] = kept;
  }
  return order;
}
