/** For tests: writes TIFFs of every kind that the reader must read, and some that it must refuse. */
import { deflateSync } from 'node:zlib';

export interface TiffFixture {
  readonly width: number;
  readonly height: number;
  /** Bands, each `[height, width]`. */
  readonly bands: readonly (readonly number[])[];
  readonly type: 'uint8' | 'uint16' | 'uint32' | 'int16' | 'float32' | 'float64';
  readonly bigEndian?: boolean;
  /** 1 none, 5 LZW, 8 and 32946 deflate, 32773 PackBits. */
  readonly compression?: number;
  readonly predictor?: number;
  readonly planar?: boolean;
  readonly rowsPerStrip?: number;
  readonly tile?: readonly [width: number, height: number];
  /** Tags to leave out. */
  readonly omit?: readonly number[];
  /** Tags to add or replace: short values. */
  readonly tags?: Readonly<Record<number, readonly number[]>>;
  readonly nodata?: string;
  /** Leave out the data of this block, as GDAL does with sparse files. */
  readonly sparseBlock?: number;
}

export function tiffFixture(fixture: TiffFixture): Uint8Array {
  const { width, height, bands, tile, planar = false, compression = 1, bigEndian = false } = fixture;
  const [blockWidth, blockHeight] = tile ?? [width, fixture.rowsPerStrip ?? height];
  const blocks: Uint8Array[] = [];
  for (const plane of planar ? bands.map((band) => [band]) : [bands]) {
    for (let top = 0; top < height; top += blockHeight) {
      for (let left = 0; left < width; left += blockWidth) {
        const rows = tile ? blockHeight : Math.min(blockHeight, height - top);
        blocks.push(compress(samplesOf(fixture, plane, { left, top, columns: blockWidth, rows }), compression));
      }
    }
  }
  if (fixture.sparseBlock !== undefined) blocks[fixture.sparseBlock] = new Uint8Array();
  const bits = Number(/\d+$/.exec(fixture.type)?.[0]);
  const format = fixture.type.startsWith('uint') ? 1 : fixture.type.startsWith('int') ? 2 : 3;
  const fields = new Map<number, { type: number; values: readonly number[] }>();
  const set = (tag: number, type: number, ...values: number[]): unknown => fields.set(tag, { type, values });
  set(256, short, width);
  set(257, long, height);
  set(258, short, ...bands.map(() => bits));
  set(259, short, compression);
  set(262, short, 1);
  set(277, short, bands.length);
  set(284, short, planar ? 2 : 1);
  if (fixture.predictor) set(317, short, fixture.predictor);
  set(339, short, ...bands.map(() => format));
  if (tile) {
    set(322, short, tile[0]);
    set(323, short, tile[1]);
  } else set(278, long, fixture.rowsPerStrip ?? height);
  if (fixture.nodata !== undefined) set(42113, ascii, ...Buffer.from(`${fixture.nodata}\0`));
  const [offsetsTag, countsTag] = tile ? [324, 325] : [273, 279];
  set(countsTag, long, ...blocks.map((block) => block.length));
  set(offsetsTag, long, ...blocks.map(() => 0));
  for (const [tag, values] of Object.entries(fixture.tags ?? {})) set(Number(tag), short, ...values);
  for (const tag of fixture.omit ?? []) fields.delete(tag);
  return assemble(fields, blocks, offsetsTag, bigEndian);
}

const ascii = 2;
const short = 3;
const long = 4;
const fieldBytes: Readonly<Record<number, number>> = { [ascii]: 1, [short]: 2, [long]: 4 };

function assemble(
  fields: ReadonlyMap<number, { type: number; values: readonly number[] }>,
  blocks: readonly Uint8Array[],
  offsetsTag: number,
  bigEndian: boolean,
): Uint8Array {
  const little = !bigEndian;
  const tags = [...fields.keys()].sort((a, b) => a - b);
  let at = 8 + 2 + tags.length * 12 + 4;
  const places = new Map<number, number>();
  for (const tag of tags) {
    const { type, values } = fields.get(tag) as { type: number; values: readonly number[] };
    const size = values.length * (fieldBytes[type] as number);
    if (size > 4) {
      places.set(tag, at);
      at += size + (size % 2);
    }
  }
  const offsets = blocks.map((block) => {
    const own = block.length === 0 ? 0 : at;
    at += block.length;
    return own;
  });
  const bytes = new Uint8Array(at);
  const view = new DataView(bytes.buffer);
  bytes.set(bigEndian ? [0x4d, 0x4d, 0, 42] : [0x49, 0x49, 42, 0]);
  view.setUint32(4, 8, little);
  view.setUint16(8, tags.length, little);
  for (const [index, tag] of tags.entries()) {
    const field = fields.get(tag) as { type: number; values: readonly number[] };
    const values = tag === offsetsTag ? offsets : field.values;
    const entry = 10 + index * 12;
    view.setUint16(entry, tag, little);
    view.setUint16(entry + 2, field.type, little);
    view.setUint32(entry + 4, values.length, little);
    const place = places.get(tag);
    if (place !== undefined) view.setUint32(entry + 8, place, little);
    for (const [i, value] of values.entries()) {
      const to = (place ?? entry + 8) + i * (fieldBytes[field.type] as number);
      if (field.type === ascii) view.setUint8(to, value);
      else if (field.type === short) view.setUint16(to, value, little);
      else view.setUint32(to, value, little);
    }
  }
  for (const [i, block] of blocks.entries()) bytes.set(block, offsets[i] as number);
  return bytes;
}

interface Window {
  readonly left: number;
  readonly top: number;
  readonly columns: number;
  readonly rows: number;
}

/** The block's samples, predicted where the fixture says so; a tile that hangs over the edge is padded with zeros. */
function samplesOf(
  { width, height, type, predictor = 1, bigEndian = false }: TiffFixture,
  bands: readonly (readonly number[])[],
  { left, top, columns, rows }: Window,
): Uint8Array {
  const size = Number(/\d+$/.exec(type)?.[0]) / 8;
  const rowBytes = columns * bands.length * size;
  const bytes = new Uint8Array(rows * rowBytes);
  const view = new DataView(bytes.buffer);
  // Predictor 3 takes the bytes of big-endian floats apart, whatever the file's order.
  const little = predictor === 3 ? false : !bigEndian;
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      for (const [b, band] of bands.entries()) {
        const inside = top + y < height && left + x < width;
        const value = inside ? (band[(top + y) * width + left + x] as number) : 0;
        put(view, y * rowBytes + (x * bands.length + b) * size, type, value, little);
      }
    }
    const row = bytes.subarray(y * rowBytes, (y + 1) * rowBytes);
    if (predictor === 2) differences(row, size, bands.length * size, little);
    if (predictor === 3) floatDifferences(row, size, bands.length);
  }
  return bytes;
}

function put(view: DataView, at: number, type: TiffFixture['type'], value: number, little: boolean): void {
  if (type === 'uint8') view.setUint8(at, value);
  else if (type === 'uint16') view.setUint16(at, value, little);
  else if (type === 'uint32') view.setUint32(at, value, little);
  else if (type === 'int16') view.setInt16(at, value, little);
  else if (type === 'float32') view.setFloat32(at, value, little);
  else view.setFloat64(at, value, little);
}

function differences(row: Uint8Array, size: number, step: number, little: boolean): void {
  const view = new DataView(row.buffer, row.byteOffset, row.length);
  for (let at = row.length - size; at >= step; at -= size) {
    if (size === 1) view.setUint8(at, view.getUint8(at) - view.getUint8(at - step));
    else if (size === 2) view.setUint16(at, view.getUint16(at, little) - view.getUint16(at - step, little), little);
    else if (size === 4) view.setUint32(at, view.getUint32(at, little) - view.getUint32(at - step, little), little);
    else view.setBigUint64(at, view.getBigUint64(at, little) - view.getBigUint64(at - step, little), little);
  }
}

function floatDifferences(row: Uint8Array, size: number, stride: number): void {
  const whole = row.slice();
  const samples = row.length / size;
  for (let i = 0; i < samples; i++) for (let b = 0; b < size; b++) row[b * samples + i] = whole[i * size + b] as number;
  for (let at = row.length - 1; at >= stride; at--) row[at] = (row[at] as number) - (row[at - stride] as number);
}

function compress(bytes: Uint8Array, compression: number): Uint8Array {
  if (compression === 5) return lzw(bytes);
  if (compression === 8 || compression === 32946) return deflateSync(bytes);
  if (compression === 32773) return packBits(bytes);
  return bytes;
}

function packBits(bytes: Uint8Array): Uint8Array {
  const out: number[] = [];
  for (let at = 0; at < bytes.length; ) {
    let run = 1;
    while (run < 128 && at + run < bytes.length && bytes[at + run] === bytes[at]) run++;
    if (run > 2) {
      out.push(257 - run, bytes[at] as number);
      at += run;
      continue;
    }
    let end = at + 1;
    while (end < bytes.length && end - at < 128 && !(bytes[end] === bytes[end + 1] && bytes[end] === bytes[end + 2]))
      end++;
    out.push(end - at - 1, ...bytes.subarray(at, end));
    // -128 does nothing; writers may use it to pad.
    out.push(0x80);
    at = end;
  }
  return Uint8Array.from(out);
}

function lzw(bytes: Uint8Array): Uint8Array {
  const out: number[] = [];
  let held = 0;
  let heldBits = 0;
  let width = 9;
  let table = new Map<string, number>();
  let next = 258;
  const emit = (code: number): void => {
    held = held * 2 ** width + code;
    heldBits += width;
    while (heldBits >= 8) {
      heldBits -= 8;
      out.push(Math.floor(held / 2 ** heldBits));
      held %= 2 ** heldBits;
    }
  };
  const codeOf = (text: string): number => (text.length === 1 ? text.charCodeAt(0) : (table.get(text) as number));
  emit(256);
  let text = '';
  for (const byte of bytes) {
    const longer = text + String.fromCharCode(byte);
    if (longer.length === 1 || table.has(longer)) {
      text = longer;
      continue;
    }
    emit(codeOf(text));
    table.set(longer, next++);
    // As libtiff: the decoder, one entry behind, widens one code "early".
    if (next === 512 || next === 1024 || next === 2048) width++;
    if (next === 4094) {
      emit(256);
      table = new Map();
      next = 258;
      width = 9;
    }
    text = String.fromCharCode(byte);
  }
  if (text !== '') {
    emit(codeOf(text));
    next++;
    if (next === 512 || next === 1024 || next === 2048) width++;
  }
  emit(257);
  if (heldBits > 0) out.push(Math.floor(held * 2 ** (8 - heldBits)) & 0xff);
  return Uint8Array.from(out);
}
