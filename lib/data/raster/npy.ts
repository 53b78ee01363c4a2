/** Reads NumPy's `.npy` files (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html), versions 1 to 3. */
import { FurrowError } from '../../../contract/errors.ts';
import type { Raster } from './raster.ts';
import { mostSamples, unreadable } from './raster.ts';

/**
 * @param bands tells `[bands, h, w]` from `[h, w, bands]`; when it does not decide, bands are last
 * @throws FurrowError `FILE_UNREADABLE` or `NPY_UNSUPPORTED`
 */
export function readNpy(bytes: Uint8Array, name: string, bands?: number): Raster {
  const { type, fortran, shape, start } = readHeader(bytes, name);
  const count = shape.reduce((product, size) => product * size, 1);
  if (count > mostSamples) throw unreadable(name, `says that it holds ${count} values, more than ${mostSamples}`);
  const size = sizes[type.slice(1)] as number;
  if (bytes.length < start + count * size)
    throw unreadable(name, `has ${bytes.length - start} of ${count * size} bytes of values`);

  const view = new DataView(bytes.buffer, bytes.byteOffset + start, count * size);
  const read = reader(view, type);
  const strides = fortran ? fortranStrides(shape) : fortranStrides([...shape].reverse()).reverse();
  const axes = shape.length === 2 ? { row: 0, column: 1, band: -1 } : bandAxis(shape, bands);
  const height = shape[axes.row] as number;
  const width = shape[axes.column] as number;
  const rasters = Array.from({ length: axes.band < 0 ? 1 : (shape[axes.band] as number) }, (_, band) => {
    const values = new Float32Array(height * width);
    const offset = axes.band < 0 ? 0 : band * (strides[axes.band] as number);
    for (let y = 0, to = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        values[to++] = read((offset + y * (strides[axes.row] as number) + x * (strides[axes.column] as number)) * size);
      }
    }
    return values;
  });
  return { width, height, bands: rasters };
}

const sizes: Readonly<Record<string, number>> = { u1: 1, i1: 1, u2: 2, i2: 2, u4: 4, i4: 4, f4: 4, f8: 8 };

interface NpyHeader {
  /** Byte order (`<`, `>`, `|`, `=`) and type, as in NumPy. */
  readonly type: string;
  readonly fortran: boolean;
  readonly shape: readonly number[];
  /** Where the values begin. */
  readonly start: number;
}

function readHeader(bytes: Uint8Array, name: string): NpyHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint8(6);
  if (version < 1 || version > 3) throw unsupported(name, `version ${version}`);
  const [at, length] = version === 1 ? [10, view.getUint16(8, true)] : [12, view.getUint32(8, true)];
  if (at + length > bytes.length) throw unreadable(name, 'ends within its header');
  const header = Buffer.from(bytes.subarray(at, at + length)).toString('utf8');
  const type = /'descr'\s*:\s*'([^']*)'/.exec(header)?.[1];
  const fortran = /'fortran_order'\s*:\s*(True|False)/.exec(header)?.[1];
  const shape = /'shape'\s*:\s*\(([^)]*)\)/.exec(header)?.[1];
  if (type === undefined) throw unsupported(name, 'a structured type');
  if (fortran === undefined || shape === undefined) throw unreadable(name, 'has a damaged header');
  if (!/^[<>|=]/.test(type) || sizes[type.slice(1)] === undefined) throw unsupported(name, `type ${type}`);
  const dimensions = shape
    .split(',')
    .filter((part) => part.trim() !== '')
    .map(Number);
  if (dimensions.length < 2 || dimensions.length > 3) throw unsupported(name, `shape (${dimensions.join(', ')})`);
  if (dimensions.some((size) => !Number.isSafeInteger(size) || size < 1))
    throw unreadable(name, `has the shape (${shape})`);
  return { type, fortran: fortran === 'True', shape: dimensions, start: at + length };
}

function bandAxis(shape: readonly number[], bands: number | undefined): { row: number; column: number; band: number } {
  const first = bands !== undefined && shape[0] === bands && shape[2] !== bands;
  return first ? { row: 1, column: 2, band: 0 } : { row: 0, column: 1, band: 2 };
}

/** Values from one index to the next, per axis, when the first axis moves fastest. */
function fortranStrides(shape: readonly number[]): number[] {
  let stride = 1;
  return shape.map((size) => {
    const own = stride;
    stride *= size;
    return own;
  });
}

function reader(view: DataView, type: string): (at: number) => number {
  // `=` is the order of the machine that wrote the file; NumPy itself never writes it.
  const little = !type.startsWith('>');
  switch (type.slice(1)) {
    case 'u1':
      return (at) => view.getUint8(at);
    case 'i1':
      return (at) => view.getInt8(at);
    case 'u2':
      return (at) => view.getUint16(at, little);
    case 'i2':
      return (at) => view.getInt16(at, little);
    case 'u4':
      return (at) => view.getUint32(at, little);
    case 'i4':
      return (at) => view.getInt32(at, little);
    case 'f4':
      return (at) => view.getFloat32(at, little);
    default:
      return (at) => view.getFloat64(at, little);
  }
}

function unsupported(name: string, what: string): FurrowError {
  return new FurrowError('NPY_UNSUPPORTED', `${name}: ${what} is not supported`, { details: { file: name } });
}
