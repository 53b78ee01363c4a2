/** Brings a band to the size that a network wants. Pixels without data (NaN) are left out of every mean. */

export interface Band {
  readonly width: number;
  readonly height: number;
  /** `[height, width]`, NaN where there is no data. */
  readonly pixels: Float32Array;
}

export interface Size {
  readonly height: number;
  readonly width: number;
}

/** The centre of a band that is at least as large. */
export function cropBand({ width, height, pixels }: Band, to: Size): Float32Array {
  if (height < to.height || width < to.width) {
    throw new RangeError(`Expected at least ${to.height}x${to.width} pixels, got ${height}x${width}`);
  }
  const top = Math.floor((height - to.height) / 2);
  const left = Math.floor((width - to.width) / 2);
  const out = new Float32Array(to.height * to.width);
  for (let y = 0; y < to.height; y++) {
    const start = (top + y) * width + left;
    out.set(pixels.subarray(start, start + to.width), y * to.width);
  }
  return out;
}

/**
 * Scales each axis by itself: the mean of the covered area where it shrinks (so that no pixel is left out, and noise goes down as it
 * would in a coarser photograph), bilinear between pixel centres where it grows.
 */
export function resizeBand({ width, height, pixels }: Band, to: Size): Float32Array {
  if (width === to.width && height === to.height) return pixels;
  const columns = shares(width, to.width);
  const rows = shares(height, to.height);
  // Sums and weights of valid pixels, once across, then down.
  const sums = new Float64Array(height * to.width);
  const weights = new Float64Array(height * to.width);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < to.width; x++) {
      for (const { from, weight } of columns[x] as readonly Share[]) {
        const value = pixels[y * width + from] as number;
        if (Number.isNaN(value)) continue;
        const at = y * to.width + x;
        sums[at] = (sums[at] as number) + weight * value;
        weights[at] = (weights[at] as number) + weight;
      }
    }
  }
  const out = new Float32Array(to.height * to.width);
  for (let y = 0; y < to.height; y++) {
    for (let x = 0; x < to.width; x++) {
      let sum = 0;
      let valid = 0;
      for (const { from, weight } of rows[y] as readonly Share[]) {
        sum += weight * (sums[from * to.width + x] as number);
        valid += weight * (weights[from * to.width + x] as number);
      }
      // A pixel most of which has no data has none.
      out[y * to.width + x] = valid < 0.5 ? Number.NaN : sum / valid;
    }
  }
  return out;
}

interface Share {
  readonly from: number;
  /** The weights of one output pixel add up to 1. */
  readonly weight: number;
}

function shares(before: number, after: number): (readonly Share[])[] {
  const scale = before / after;
  return Array.from({ length: after }, (_, i) =>
    scale > 1 ? covered(i * scale, (i + 1) * scale) : between((i + 0.5) * scale - 0.5, before),
  );
}

function covered(start: number, end: number): Share[] {
  const found: Share[] = [];
  for (let from = Math.floor(start + 1e-9); from < end - 1e-9; from++) {
    found.push({ from, weight: (Math.min(end, from + 1) - Math.max(start, from)) / (end - start) });
  }
  return found;
}

function between(position: number, before: number): Share[] {
  const at = Math.min(Math.max(position, 0), before - 1);
  const from = Math.floor(at);
  const share = at - from;
  return share === 0
    ? [{ from, weight: 1 }]
    : [
        { from, weight: 1 - share },
        { from: from + 1, weight: share },
      ];
}
