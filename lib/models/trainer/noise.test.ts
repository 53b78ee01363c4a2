import { describe, expect, it } from 'vitest';
import { uniforms } from '../random.ts';
import { noiseAt } from './noise.ts';

describe('noiseAt', () => {
  it('gives two int32 words for a place, the same whatever was asked before', () => {
    const noise = noiseAt({ seed: 7, member: 0, step: 3 });
    const later = noise(5);
    expect(noiseAt({ seed: 7, member: 0, step: 3 })(5)).toEqual(later);
    for (const word of later) expect(word).toBe(word | 0);
  });

  it('gives no two places a word in common', () => {
    const words: number[] = [];
    for (const seed of [0, 1, 2 ** 32]) {
      for (const member of [0, 1, 19]) {
        for (const step of [0, 1, 2, 1000]) {
          const noise = noiseAt({ seed, member, step });
          for (let index = 0; index < 9; index++) words.push(...noise(index));
        }
      }
    }
    // 648 words: two alike by chance once in 20,000 seeds; these are not.
    expect(new Set(words).size).toBe(words.length);
  });

  it('is spread over all 32 bits', () => {
    const words = Array.from({ length: 500 }, (_, step) => noiseAt({ seed: 1, member: 0, step })(0)).flat();
    for (let bit = 0; bit < 32; bit++) {
      const set = words.filter((word) => (word >>> bit) & 1).length / words.length;
      expect(set).toBeGreaterThan(0.4);
      expect(set).toBeLessThan(0.6);
    }
  });

  it('shares no number with the weights of the same seed', () => {
    const weights = uniforms({ seed: 7, use: 'weights', epoch: 0, step: 3 }, 2);
    const [word] = noiseAt({ seed: 7, member: 0, step: 3 })(0);
    expect((word >>> 0) / 2 ** 32).not.toBe(weights[0]);
  });
});
