import { FurrowError } from '../../../contract/errors.ts';
import { readNpy } from './npy.ts';
import { type Raster, unreadable } from './raster.ts';
import { readTiff } from './tiff.ts';

export interface ReadRasterOptions {
  /** How many bands the file must have; also tells `[bands, h, w]` from `[h, w, bands]` in a `.npy` file. */
  readonly bands?: number;
}

/**
 * Reads a TIFF or NumPy file, told apart by their first bytes; the name is only used to say which file is meant.
 *
 * @throws FurrowError `FILE_UNREADABLE` when the file is damaged or neither; `TIFF_UNSUPPORTED` or `NPY_UNSUPPORTED`, naming the
 * file and the feature, when it is sound but of a kind that is not read here.
 */
export async function readRaster(bytes: Uint8Array, name: string, options: ReadRasterOptions = {}): Promise<Raster> {
  const raster = attempt(bytes, name, options);
  if (options.bands !== undefined && raster.bands.length !== options.bands) {
    throw unreadable(name, `has ${raster.bands.length} band(s), expected ${options.bands}`);
  }
  return raster;
}

function attempt(bytes: Uint8Array, name: string, options: ReadRasterOptions): Raster {
  if (bytes.length === 0) throw unreadable(name, 'is empty');
  const start = String.fromCharCode(...bytes.subarray(0, 6));
  try {
    if (start.startsWith('II') || start.startsWith('MM')) return readTiff(bytes, name);
    if (start === '\u0093NUMPY') return readNpy(bytes, name, options.bands);
  } catch (cause) {
    if (cause instanceof FurrowError) throw cause;
    // A RangeError of a DataView, a zlib error: the file points past its own end or holds garbage.
    throw unreadable(name, `is damaged (${cause instanceof Error ? cause.message : String(cause)})`, cause);
  }
  throw unreadable(name, 'is neither a TIFF nor a .npy file');
}
