/**
 * Philox4x32-10: random words from a counter and a key, without state. Written for speed: a network has millions of weights.
 *
 * Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3. SC11, 2011. https://doi.org/10.1145/2063384.2063405
 *
 * @param counter of the first block; its first word counts up from block to block
 * @param count words to give, four to a block
 */
export function philoxWords(
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
  count: number,
): Uint32Array {
  const words = new Uint32Array(Math.ceil(count / 4) * 4);
  for (let at = 0; at < words.length; at += 4) {
    let c0 = (counter[0] + at / 4) | 0;
    let c1 = counter[1] | 0;
    let c2 = counter[2] | 0;
    let c3 = counter[3] | 0;
    let k0 = key[0] | 0;
    let k1 = key[1] | 0;
    for (let round = 0; round < 10; round++) {
      const high0 = multiplyHigh(0xd251, 0x1f53, c0);
      const high1 = multiplyHigh(0xcd9e, 0x8d57, c2);
      const low0 = Math.imul(0xd2511f53, c0);
      c0 = high1 ^ c1 ^ k0;
      c1 = Math.imul(0xcd9e8d57, c2);
      c2 = high0 ^ c3 ^ k1;
      c3 = low0;
      k0 = (k0 + 0x9e3779b9) | 0;
      k1 = (k1 + 0xbb67ae85) | 0;
    }
    words[at] = c0;
    words[at + 1] = c1;
    words[at + 2] = c2;
    words[at + 3] = c3;
  }
  return words.subarray(0, count);
}

/** The upper 32 bits of a product of unsigned 32-bit numbers, the first by its halves; each sum fits 32 bits, which is fast. */
function multiplyHigh(aHigh: number, aLow: number, b: number): number {
  const bHigh = b >>> 16;
  const bLow = b & 0xffff;
  const upper = Math.imul(aHigh, bLow);
  const lower = Math.imul(aLow, bHigh);
  const carry = (Math.imul(aLow, bLow) >>> 16) + (upper & 0xffff) + (lower & 0xffff);
  return (Math.imul(aHigh, bHigh) + (upper >>> 16) + (lower >>> 16) + (carry >>> 16)) | 0;
}
