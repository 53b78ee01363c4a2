/** What a random number is for: two uses never share a number. New uses are appended, or old runs would change. */
export const uses = { order: 1, weights: 2, bootstrap: 3, dropout: 4, augmentation: 5, mixup: 6, folds: 7 } as const;
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
export function uniforms(place: Place, count: number): Float64Array {
  const out = new Float64Array(count);
  for (let block = 0; block * 4 < count; block++) {
    const words = blockAt(place, block);
    for (let lane = 0; lane < 4 && block * 4 + lane < count; lane++)
      out[block * 4 + lane] = (words[lane] as number) / 2 ** 32;
  }
  return out;
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

function blockAt({ seed, use, epoch = 0, step = 0 }: Place, block: number): Uint32Array {
  const high = Math.floor(seed / 2 ** 32) >>> 0;
  return philox([block >>> 0, step >>> 0, epoch >>> 0, uses[use]], [seed >>> 0, high]);
}

type Words4 = readonly [number, number, number, number];

/**
 * Philox4x32-10: four 32-bit words for a counter and a key.
 *
 * Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3. SC11, 2011. https://doi.org/10.1145/2063384.2063405
 */
export function philox(counter: Words4, key: readonly [number, number]): Uint32Array {
  let [c0, c1, c2, c3]: Words4 = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(0xd2511f53, c0);
    const low0 = Math.imul(0xd2511f53, c0);
    const high1 = multiplyHigh(0xcd9e8d57, c2);
    const low1 = Math.imul(0xcd9e8d57, c2);
    [c0, c1, c2, c3] = [(high1 ^ c1 ^ k0) >>> 0, low1 >>> 0, (high0 ^ c3 ^ k1) >>> 0, low0 >>> 0];
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return Uint32Array.of(c0, c1, c2, c3);
}

/** The upper 32 bits of a product of two unsigned 32-bit numbers, by 16-bit halves: doubles hold 53 bits only. */
function multiplyHigh(a: number, b: number): number {
  const [aHigh, aLow, bHigh, bLow] = [a >>> 16, a & 0xffff, b >>> 16, b & 0xffff];
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carried = (middle % 2 ** 16) + aLow * bHigh;
  return (aHigh * bHigh + Math.floor(middle / 2 ** 16) + Math.floor(carried / 2 ** 16)) >>> 0;
}
