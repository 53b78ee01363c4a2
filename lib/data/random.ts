/**
 * Random numbers that are a function of where they are used: the same (seed, use, plot, index) gives the same number on every
 * machine, in any order, in any process. Numbers of different uses are independent.
 */
export interface RandomStream {
  /** In (0, 1), never at its ends. */
  uniform(index: number): number;
  /** Mean 0, standard deviation 1. */
  normal(index: number): number;
}

/** @param place what the numbers are for: whole numbers, or words */
export function randomStream(seed: number, ...place: readonly (number | string)[]): RandomStream {
  let key = mix((seed >>> 0) ^ 0x9e3779b9, Math.floor(seed / 2 ** 32) >>> 0);
  for (const part of place) {
    if (typeof part === 'number') key = mix(key, part >>> 0);
    else for (let i = 0; i < part.length; i++) key = mix(key, part.charCodeAt(i) + 0x10000);
  }
  const other = mix(key, 0x85ebca6b);
  const uniform = (index: number): number => (bits(key, other, index) + 0.5) / 2 ** 32;
  return {
    uniform,
    normal(index) {
      // Box and Muller 1958. Two counters a number, so that every index stands for itself.
      const radius = Math.sqrt(-2 * Math.log(uniform(2 * index)));
      return radius * Math.cos(2 * Math.PI * uniform(2 * index + 1));
    },
  };
}

/** 32 bits for a counter: two rounds of a 32-bit mixer with the two halves of the key. */
function bits(key: number, other: number, counter: number): number {
  return finish(finish((Math.imul(counter, 0x9e3779b1) ^ key) >>> 0) ^ other);
}

function mix(key: number, value: number): number {
  return finish(finish((key ^ value) >>> 0) + 0x6d2b79f5 + Math.imul(key, 0x2c1b3c6d));
}

/** A bijection of 32 bits with low bias (C. Wellons, hash-prospector: "lowbias32", https://nullprogram.com/blog/2018/07/31/). */
function finish(value: number): number {
  let x = value >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return (x ^ (x >>> 15)) >>> 0;
}
