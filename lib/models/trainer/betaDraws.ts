import { type Place, uniforms } from '../random.ts';

/** Uniform numbers set aside for each gamma draw: an attempt takes four at most and is accepted 19 times of 20. */
const uniformsOfDraw = 64;

/** `count` draws from Beta(alpha, alpha), each from random numbers of its own. The place's first `count` numbers are left to others. */
export function betaDraws(place: Place, alpha: number, count: number): Float64Array {
  const draws = uniforms(place, count + count * 2 * uniformsOfDraw);
  return Float64Array.from({ length: count }, (_, at) => {
    const from = count + at * 2 * uniformsOfDraw;
    const a = gammaDraw(alpha, draws.subarray(from, from + uniformsOfDraw));
    const b = gammaDraw(alpha, draws.subarray(from + uniformsOfDraw, from + 2 * uniformsOfDraw));
    return a + b > 0 ? a / (a + b) : 0.5;
  });
}

/**
 * Gamma(shape, 1) by rejection; below a shape of 1, Gamma(shape + 1) times U^(1 / shape).
 *
 * Marsaglia, Tsang: A simple method for generating gamma variables. ACM Transactions on Mathematical Software 26, 2000.
 */
function gammaDraw(shape: number, draws: Float64Array): number {
  let next = 0;
  // Above 0, so that its logarithm is finite; draws are multiples of 2^-32.
  const uniform = () => Math.max(draws[next++] as number, 2 ** -33);
  const boost = shape < 1 ? uniform() ** (1 / shape) : 1;
  const d = (shape < 1 ? shape + 1 : shape) - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  while (next + 3 <= draws.length) {
    // Box, Muller 1958.
    const normal = Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
    const v = (1 + c * normal) ** 3;
    if (v > 0 && Math.log(uniform()) < normal ** 2 / 2 + d - d * v + d * Math.log(v)) return boost * d * v;
  }
  // One in 10^26.
  return boost * d;
}
