/** One image of one plot, whatever the file format. */
import { FurrowError } from '../../../contract/errors.ts';

export interface Raster {
  /** Columns. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** Per band `[height, width]`, row by row from the top; a pixel without data is NaN. */
  readonly bands: readonly Float32Array[];
}

export function unreadable(name: string, what: string, cause?: unknown): FurrowError {
  return new FurrowError('FILE_UNREADABLE', `${name} ${what}`, { details: { file: name }, cause });
}

/** The most samples (pixels x bands) one file may hold: 256 MiB as float32. A file that says more is damaged or an attack. */
export const mostSamples = 2 ** 26;
