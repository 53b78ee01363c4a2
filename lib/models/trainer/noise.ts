import { uniforms } from '../random.ts';

/**
 * Seeds for the stateless random operations of one step: two 32-bit words of Philox's, as int32, for each index.
 *
 * Counters hold member, step and index, two indices to a block of four words, so no two places share a word.
 *
 * @param member the network's number in an ensemble
 */
export function noiseAt(place: {
  readonly seed: number;
  readonly member: number;
  readonly step: number;
}): (index: number) => readonly [number, number] {
  const { seed, member, step } = place;
  return (index) => {
    const draws = uniforms({ seed, use: 'dropout', epoch: member, step }, 2 * index + 2);
    const word = (draw: number | undefined) => ((draw as number) * 2 ** 32) | 0;
    return [word(draws[2 * index]), word(draws[2 * index + 1])];
  };
}
