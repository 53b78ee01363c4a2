/** Unevenness over a plot: a smooth random field. */
import type { RandomStream } from '../random.ts';

/**
 * Values `[height, width]` of mean 0 and standard deviation 1 over many fields, alike over about `scale` pixels: normal numbers on
 * a grid of that spacing, joined by smoothstep, divided by the standard deviation that joining leaves at each place.
 */
export function smoothField(
  { height, width }: { readonly height: number; readonly width: number },
  scale: number,
  random: RandomStream,
): Float32Array {
  const across = Math.ceil(width / scale) + 2;
  const down = Math.ceil(height / scale) + 2;
  const knots = Float64Array.from({ length: across * down }, (_, i) => random.normal(i));
  // The grid lies at another place in every field, or knots would line up.
  const left = random.uniform(2 * across * down);
  const top = random.uniform(2 * across * down + 1);
  const columns = Array.from({ length: width }, (_, x) => joint(x / scale + left));
  const field = new Float32Array(height * width);
  for (let y = 0, pixel = 0; y < height; y++) {
    const row = joint(y / scale + top);
    const above = row.knot * across;
    for (const column of columns) {
      const at = above + column.knot;
      const upper = (knots[at] as number) * (1 - column.share) + (knots[at + 1] as number) * column.share;
      const lower =
        (knots[at + across] as number) * (1 - column.share) + (knots[at + across + 1] as number) * column.share;
      field[pixel++] = (upper * (1 - row.share) + lower * row.share) / (row.deviation * column.deviation);
    }
  }
  return field;
}

interface Joint {
  readonly knot: number;
  readonly share: number;
  readonly deviation: number;
}

function joint(position: number): Joint {
  const knot = Math.floor(position);
  const t = position - knot;
  const share = t * t * (3 - 2 * t);
  return { knot, share, deviation: Math.sqrt((1 - share) ** 2 + share ** 2) };
}
