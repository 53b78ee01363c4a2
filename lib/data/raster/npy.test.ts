import { describe, expect, test } from 'vitest';
import { readRaster } from './readRaster.ts';

interface NpyFixture {
  readonly descr: string;
  readonly shape: readonly number[];
  readonly fortran?: boolean;
  readonly version?: 1 | 2 | 3;
}

/** Values count up in index order (last axis fastest), stored in the order that the fixture says. */
function npyFixture({ descr, shape, fortran = false, version = 1 }: NpyFixture): Uint8Array {
  const count = shape.reduce((product, size) => product * size, 1);
  const header = `{'descr': '${descr}', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': (${shape.join(', ')},), }`;
  const start = version === 1 ? 10 : 12;
  const padded = header.padEnd(64 * Math.ceil((header.length + start + 1) / 64) - start - 1, ' ');
  const size = Number(descr.slice(2));
  const bytes = Buffer.alloc(start + padded.length + 1 + count * size);
  bytes.write('\u0093NUMPY', 'latin1');
  bytes[6] = version;
  if (version === 1) bytes.writeUInt16LE(padded.length + 1, 8);
  else bytes.writeUInt32LE(padded.length + 1, 8);
  bytes.write(`${padded}\n`, start, 'utf8');
  const view = new DataView(bytes.buffer, bytes.byteOffset + start + padded.length + 1);
  const little = descr[0] !== '>';
  for (let i = 0; i < count; i++) {
    let place = i;
    if (fortran) {
      let rest = i;
      const index = [...shape].reverse().map((axis) => {
        const at = rest % axis;
        rest = Math.floor(rest / axis);
        return at;
      });
      place = 0;
      let stride = 1;
      for (const [axis, length] of shape.entries()) {
        place += (index[shape.length - 1 - axis] as number) * stride;
        stride *= length;
      }
    }
    const put = { u1: 'setUint8', u2: 'setUint16', i2: 'setInt16', f4: 'setFloat32', f8: 'setFloat64' }[
      descr.slice(1)
    ] as 'setFloat32';
    view[put](place * size, i, little);
  }
  return bytes;
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describe('a .npy file is read', () => {
  for (const descr of ['|u1', '<u2', '>u2', '<i2', '>i2', '<f4', '>f4', '<f8', '>f8']) {
    for (const fortran of [false, true]) {
      for (const version of [1, 2, 3] as const) {
        test(`${descr}, ${fortran ? 'Fortran' : 'C'} order, version ${version}`, async () => {
          const raster = await readRaster(npyFixture({ descr, shape: [5, 3], fortran, version }), 'p.npy');
          expect([raster.height, raster.width]).toEqual([5, 3]);
          expect([...(raster.bands[0] as Float32Array)]).toEqual(upTo(15));
        });
      }
    }
  }

  test.each([false, true])('bands are first or last by their number (Fortran: %s)', async (fortran) => {
    const first = await readRaster(npyFixture({ descr: '<f4', shape: [4, 3, 2], fortran }), 'p.npy', { bands: 4 });
    expect([first.height, first.width, first.bands.length]).toEqual([3, 2, 4]);
    expect([...(first.bands[1] as Float32Array)]).toEqual([6, 7, 8, 9, 10, 11]);
    const last = await readRaster(npyFixture({ descr: '<f4', shape: [3, 2, 4], fortran }), 'p.npy', { bands: 4 });
    expect([last.height, last.width, last.bands.length]).toEqual([3, 2, 4]);
    expect([...(last.bands[1] as Float32Array)]).toEqual([1, 5, 9, 13, 17, 21]);
  });
});

test.each([
  [
    'strings',
    npyFixture({ descr: '<f4', shape: [2, 2] }).map((byte, i, all) =>
      all[i - 1] === 0x3c && byte === 0x66 ? 0x55 : byte,
    ),
    'NPY_UNSUPPORTED',
  ],
  ['one axis', npyFixture({ descr: '<f4', shape: [4] }), 'NPY_UNSUPPORTED'],
  ['too short', npyFixture({ descr: '<f4', shape: [2, 2] }).slice(0, -1), 'FILE_UNREADABLE'],
  ['cut within its header', npyFixture({ descr: '<f4', shape: [2, 2] }).slice(0, 30), 'FILE_UNREADABLE'],
])('%s: a .npy file that cannot be read says so', async (_, file, code) => {
  await expect(readRaster(file, 'p.npy')).rejects.toMatchObject({ code, details: { file: 'p.npy' } });
});
