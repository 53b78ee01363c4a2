/** The first image file directory of a TIFF, with the defaults of the TIFF 6.0 specification where tags are missing. */
import { FurrowError } from '../../../contract/errors.ts';
import { mostSamples, unreadable } from './raster.ts';

export type SampleKind = 'uint' | 'int' | 'float';

export interface TiffLayout {
  readonly littleEndian: boolean;
  readonly width: number;
  readonly height: number;
  readonly samples: number;
  /** Bits of one sample: 8, 16, 32 or 64. */
  readonly bits: number;
  readonly kind: SampleKind;
  /** The Compression tag: 1, 5, 8, 32773 or 32946. */
  readonly compression: number;
  /** 1 none, 2 horizontal differencing, 3 floating point. */
  readonly predictor: number;
  /** All samples of a pixel together (1), or one plane a sample (2). */
  readonly planar: boolean;
  readonly block: {
    readonly tiled: boolean;
    readonly width: number;
    readonly height: number;
    readonly offsets: readonly number[];
    /** Absent for an uncompressed file without that tag: then it follows from the block's size. */
    readonly byteCounts: readonly number[] | undefined;
  };
  /** GDAL_NODATA: the value of a pixel without data. */
  readonly nodata: number | undefined;
}

const tags = {
  ImageWidth: 256,
  ImageLength: 257,
  BitsPerSample: 258,
  Compression: 259,
  PhotometricInterpretation: 262,
  FillOrder: 266,
  StripOffsets: 273,
  SamplesPerPixel: 277,
  RowsPerStrip: 278,
  StripByteCounts: 279,
  PlanarConfiguration: 284,
  Predictor: 317,
  TileWidth: 322,
  TileLength: 323,
  TileOffsets: 324,
  TileByteCounts: 325,
  SampleFormat: 339,
  GDAL_NODATA: 42113,
} as const;

type TagName = keyof typeof tags;

/** Bytes of a value, by the field's type (TIFF 6.0, page 15). */
const typeBytes: Readonly<Record<number, number>> = {
  1: 1,
  2: 1,
  3: 2,
  4: 4,
  5: 8,
  6: 1,
  7: 1,
  8: 2,
  9: 4,
  10: 8,
  11: 4,
  12: 8,
};

const compressions: Readonly<Record<number, string>> = {
  2: 'CCITT',
  3: 'CCITT fax 3',
  4: 'CCITT fax 4',
  6: 'old-style JPEG',
  7: 'JPEG',
  34887: 'LERC',
  34925: 'LZMA',
  50000: 'Zstandard',
  50001: 'WebP',
};

/** @throws FurrowError `FILE_UNREADABLE`, or `TIFF_UNSUPPORTED` naming the tag. */
export function readLayout(bytes: Uint8Array, name: string): TiffLayout {
  const { littleEndian, numbers, text } = readFields(bytes, name);
  const one = (tag: TagName, missing: number): number => numbers(tag)?.[0] ?? missing;

  const width = one('ImageWidth', 0);
  const height = one('ImageLength', 0);
  const samples = one('SamplesPerPixel', 1);
  if (width < 1 || height < 1 || samples < 1)
    throw unreadable(name, `says that it is ${width}x${height} pixels of ${samples} samples`);
  if (width * height * samples > mostSamples) {
    throw unreadable(name, `says that it holds ${width}x${height}x${samples} samples, more than ${mostSamples}`);
  }

  const compression = one('Compression', 1);
  if (![1, 5, 8, 32773, 32946].includes(compression)) {
    throw unsupported(
      name,
      'Compression',
      `${compression}${compressions[compression] ? ` (${compressions[compression]})` : ''}`,
    );
  }
  if (one('FillOrder', 1) !== 1) throw unsupported(name, 'FillOrder', one('FillOrder', 1));
  if (one('PhotometricInterpretation', 1) === 3) throw unsupported(name, 'PhotometricInterpretation', '3 (palette)');

  // A single value for all samples is common, though the specification wants one for each.
  const bits = same(numbers('BitsPerSample') ?? [1], 'BitsPerSample', name);
  const format = same(numbers('SampleFormat') ?? [1], 'SampleFormat', name);
  const kind: SampleKind | undefined =
    format === 1 || format === 4 ? 'uint' : format === 2 ? 'int' : format === 3 ? 'float' : undefined;
  if (!kind) throw unsupported(name, 'SampleFormat', format);
  if (!(kind === 'float' ? [32, 64] : [8, 16, 32]).includes(bits))
    throw unsupported(name, 'BitsPerSample', `${bits} (${kind})`);

  // Predictors belong to LZW and deflate; libtiff ignores the tag with the other compressions.
  const predictor = compression === 1 || compression === 32773 ? 1 : one('Predictor', 1);
  if (![1, 2, 3].includes(predictor) || (predictor === 3 && kind !== 'float'))
    throw unsupported(name, 'Predictor', predictor);
  const configuration = one('PlanarConfiguration', 1);
  if (configuration !== 1 && configuration !== 2) throw unsupported(name, 'PlanarConfiguration', configuration);
  const planar = configuration === 2 && samples > 1;

  const tiled = numbers('TileOffsets') !== undefined;
  // RowsPerStrip is missing or 2**32 - 1 when all rows are in one strip.
  const blockHeight = tiled ? one('TileLength', 0) : Math.min(one('RowsPerStrip', height) || height, height);
  const blockWidth = tiled ? one('TileWidth', 0) : width;
  if (blockWidth < 1 || blockHeight < 1 || blockWidth * blockHeight * samples > mostSamples) {
    throw unreadable(name, `says that its blocks are ${blockWidth}x${blockHeight} pixels`);
  }
  const offsets = numbers(tiled ? 'TileOffsets' : 'StripOffsets');
  const byteCounts = numbers(tiled ? 'TileByteCounts' : 'StripByteCounts');
  const blocks = Math.ceil(width / blockWidth) * Math.ceil(height / blockHeight) * (planar ? samples : 1);
  if (!offsets || offsets.length < blocks) throw unreadable(name, `lists ${offsets?.length ?? 0} of ${blocks} blocks`);
  if (byteCounts ? byteCounts.length < blocks : compression !== 1)
    throw unreadable(name, 'does not say how long its blocks are');

  const nodataText = text('GDAL_NODATA');
  const nodata = nodataText === undefined || nodataText === '' ? undefined : Number(nodataText);
  return {
    littleEndian,
    width,
    height,
    samples,
    bits,
    kind,
    compression,
    predictor,
    planar,
    block: { tiled, width: blockWidth, height: blockHeight, offsets, byteCounts },
    nodata: nodata === undefined || Number.isNaN(nodata) ? undefined : nodata,
  };
}

interface Fields {
  readonly littleEndian: boolean;
  numbers(tag: TagName): readonly number[] | undefined;
  text(tag: TagName): string | undefined;
}

function readFields(bytes: Uint8Array, name: string): Fields {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const littleEndian = view.getUint8(0) === 0x49;
  const magic = view.getUint16(2, littleEndian);
  if (magic === 43)
    throw new FurrowError('TIFF_UNSUPPORTED', `${name} is a BigTIFF`, { details: { file: name, tag: 'BigTIFF' } });
  if (magic !== 42) throw unreadable(name, 'begins like a TIFF but is none');

  const start = view.getUint32(4, littleEndian);
  const entries = new Map<number, { type: number; count: number; at: number }>();
  const count = view.getUint16(start, littleEndian);
  for (let entry = start + 2; entry < start + 2 + count * 12; entry += 12) {
    const type = view.getUint16(entry + 2, littleEndian);
    const values = view.getUint32(entry + 4, littleEndian);
    const size = (typeBytes[type] ?? 0) * values;
    const at = size <= 4 ? entry + 8 : view.getUint32(entry + 8, littleEndian);
    entries.set(view.getUint16(entry, littleEndian), { type, count: values, at });
  }

  const numbers = (tag: TagName): readonly number[] | undefined => {
    const entry = entries.get(tags[tag]);
    if (!entry || entry.count === 0) return undefined;
    const { type, at } = entry;
    // Checked before the list is made: a damaged count may be in the billions.
    if (at + entry.count * (typeBytes[type] ?? 0) > bytes.length) throw unreadable(name, `ends within its tag ${tag}`);
    if (type === 1) return Array.from({ length: entry.count }, (_, i) => view.getUint8(at + i));
    if (type === 3) return Array.from({ length: entry.count }, (_, i) => view.getUint16(at + 2 * i, littleEndian));
    if (type === 4) return Array.from({ length: entry.count }, (_, i) => view.getUint32(at + 4 * i, littleEndian));
    throw unsupported(name, tag, `of field type ${type}`);
  };
  const text = (tag: TagName): string | undefined => {
    const entry = entries.get(tags[tag]);
    if (entry?.type !== 2) return undefined;
    return Buffer.from(bytes.subarray(entry.at, entry.at + entry.count))
      .toString('latin1')
      .replace(/\0.*$/s, '')
      .trim();
  };
  return { littleEndian, numbers, text };
}

function same(values: readonly number[], tag: TagName, name: string): number {
  const first = values[0] as number;
  if (values.some((value) => value !== first)) throw unsupported(name, tag, `${values.join(', ')} (differs by band)`);
  return first;
}

function unsupported(name: string, tag: TagName, value: number | string): FurrowError {
  return new FurrowError('TIFF_UNSUPPORTED', `${name}: ${tag} (tag ${tags[tag]}) is ${value}, which is not supported`, {
    details: { file: name, tag: tags[tag] },
  });
}
