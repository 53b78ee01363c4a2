import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { FurrowError } from '../../../contract/errors.ts';
import { readRaster } from './readRaster.ts';
import { type TiffFixture, tiffFixture } from './tiffFixtures.ts';
import { writeTiff } from './writeTiff.ts';

const [width, height] = [37, 29];

/** Whole numbers that every sample type holds, with runs and jumps, different in each band. */
function bandsOf(count: number): number[][] {
  return Array.from({ length: count }, (_, band) =>
    Array.from({ length: width * height }, (_, i) => (i % 11 < 5 ? 7 + band : (i * i * (band + 3)) % 251)),
  );
}

async function codeOf(reading: Promise<unknown>): Promise<string> {
  const error = await reading.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(FurrowError);
  return (error as FurrowError).code;
}

const layouts: Readonly<Record<string, Partial<TiffFixture>>> = {
  'one strip': {},
  'strips of 8 rows': { rowsPerStrip: 8 },
  'no RowsPerStrip': { omit: [278] },
  'RowsPerStrip 2^32 - 1': { rowsPerStrip: 2 ** 32 - 1 },
  'tiles that hang over the edge': { tile: [16, 16] },
};

describe('a TIFF is read pixel by pixel', () => {
  for (const type of ['uint8', 'uint16', 'float32', 'float64'] as const) {
    for (const bigEndian of [false, true]) {
      for (const [layout, options] of Object.entries(layouts)) {
        for (const compression of [1, 5, 8, 32946, 32773]) {
          for (const [count, planar] of [
            [1, false],
            [3, false],
            [3, true],
          ] as const) {
            const order = bigEndian ? 'big' : 'little';
            test(`${type}, ${order}-endian, ${layout}, compression ${compression}, ${count} band(s)${planar ? ', planar' : ''}`, async () => {
              const bands = bandsOf(count);
              const file = tiffFixture({ width, height, bands, type, bigEndian, compression, planar, ...options });
              const raster = await readRaster(file, 'p.tif');
              expect([raster.width, raster.height]).toEqual([width, height]);
              expect(raster.bands.map((band) => [...band])).toEqual(bands);
            });
          }
        }
      }
    }
  }

  for (const bigEndian of [false, true]) {
    for (const compression of [5, 8]) {
      for (const [predictor, types] of [
        [2, ['uint8', 'uint16', 'uint32', 'float32', 'float64']],
        [3, ['float32', 'float64']],
      ] as const) {
        for (const type of types) {
          test.each([{ planar: false }, { planar: true }, { planar: false, tile: [16, 16] as const }])(
            `predictor ${predictor}, ${type}, compression ${compression}, ${bigEndian ? 'big' : 'little'}-endian, %o`,
            async (layout) => {
              const bands = bandsOf(3);
              const file = tiffFixture({ width, height, bands, type, bigEndian, compression, predictor, ...layout });
              expect((await readRaster(file, 'p.tif')).bands.map((band) => [...band])).toEqual(bands);
            },
          );
        }
      }
    }
  }

  test('without the Compression tag it is uncompressed, without StripByteCounts its length follows from its size', async () => {
    const file = tiffFixture({ width, height, bands: bandsOf(1), type: 'uint16', rowsPerStrip: 10, omit: [259, 279] });
    expect([...((await readRaster(file, 'p.tif')).bands[0] as Float32Array)]).toEqual(bandsOf(1)[0]);
  });

  test('without SampleFormat, SamplesPerPixel and PlanarConfiguration it is one band of unsigned numbers', async () => {
    const file = tiffFixture({ width, height, bands: bandsOf(1), type: 'uint16', omit: [339, 277, 284] });
    expect([...((await readRaster(file, 'p.tif')).bands[0] as Float32Array)]).toEqual(bandsOf(1)[0]);
  });

  test('one SampleFormat and BitsPerSample stand for all bands', async () => {
    const file = tiffFixture({ width, height, bands: bandsOf(3), type: 'float32', tags: { 258: [32], 339: [3] } });
    expect((await readRaster(file, 'p.tif')).bands.map((band) => [...band])).toEqual(bandsOf(3));
  });

  test('a predictor tag on an uncompressed file means nothing', async () => {
    const file = tiffFixture({ width, height, bands: bandsOf(1), type: 'uint8', tags: { 317: [2] } });
    expect([...((await readRaster(file, 'p.tif')).bands[0] as Float32Array)]).toEqual(bandsOf(1)[0]);
  });

  test('LZW keeps its place when its table fills up and starts again', async () => {
    const side = 200;
    const noise = [...randomBytes(side * side)];
    const file = tiffFixture({ width: side, height: side, bands: [noise], type: 'uint8', compression: 5 });
    expect([...((await readRaster(file, 'p.tif')).bands[0] as Float32Array)]).toEqual(noise);
  });
});

describe('pixels without data', () => {
  test('a nodata value becomes NaN, also where float32 rounds it', async () => {
    const bands = [[0.1, -3.4028234663852886e38, 0.3, 0.4]];
    const file = tiffFixture({ width: 2, height: 2, bands, type: 'float32', nodata: '-3.4028234663852886e+38' });
    const [band] = (await readRaster(file, 'p.tif')).bands as [Float32Array];
    expect([...band].map(Number.isNaN)).toEqual([false, true, false, false]);
    const rounded = tiffFixture({ width: 2, height: 1, bands: [[0.1, 1]], type: 'float32', nodata: '0.1' });
    expect([...((await readRaster(rounded, 'p.tif')).bands[0] as Float32Array)]).toEqual([Number.NaN, 1]);
  });

  test('a block that the writer left out is nodata, or 0 without such a value', async () => {
    const fixture = {
      width: 2,
      height: 4,
      bands: [[1, 2, 3, 4, 5, 6, 7, 8]],
      type: 'uint16',
      rowsPerStrip: 2,
      sparseBlock: 1,
    } as const;
    expect([...((await readRaster(tiffFixture(fixture), 'p.tif')).bands[0] as Float32Array)]).toEqual([
      1, 2, 3, 4, 0, 0, 0, 0,
    ]);
    const [band] = (await readRaster(tiffFixture({ ...fixture, nodata: '9' }), 'p.tif')).bands as [Float32Array];
    expect([...band].map(Number.isNaN)).toEqual([false, false, false, false, true, true, true, true]);
  });
});

describe('a file that cannot be read says so', () => {
  const sound = { width, height, bands: bandsOf(1), type: 'float32' } as const;

  test.each([
    ['JPEG', { tags: { 259: [7] } }, 'Compression (tag 259) is 7 (JPEG)'],
    ['Zstandard', { tags: { 259: [50000] } }, 'Compression (tag 259) is 50000 (Zstandard)'],
    ['reversed bits', { tags: { 266: [2] } }, 'FillOrder (tag 266)'],
    ['a palette', { tags: { 262: [3] } }, 'PhotometricInterpretation (tag 262)'],
    ['12 bits', { tags: { 258: [12] } }, 'BitsPerSample (tag 258)'],
    ['complex numbers', { tags: { 339: [6] } }, 'SampleFormat (tag 339)'],
    ['a predictor of the future', { compression: 8, tags: { 317: [9] } }, 'Predictor (tag 317)'],
  ] as const)('%s is unsupported, with file and tag', async (_, options, message) => {
    const reading = readRaster(tiffFixture({ ...sound, ...options }), 'train/p.tif');
    await expect(reading).rejects.toMatchObject({ code: 'TIFF_UNSUPPORTED', details: { file: 'train/p.tif' } });
    await expect(reading).rejects.toThrow(`train/p.tif: ${message}`);
  });

  test('BigTIFF is unsupported', async () => {
    expect(await codeOf(readRaster(Uint8Array.from([0x49, 0x49, 43, 0, 8, 0, 0, 0]), 'p.tif'))).toBe(
      'TIFF_UNSUPPORTED',
    );
  });

  test.each([
    ['empty', new Uint8Array()],
    ['text', new TextEncoder().encode('<html>Sign in to download</html>')],
    ['cut within its directory', tiffFixture(sound).slice(0, 60)],
    ['cut within its pixels', tiffFixture(sound).slice(0, -1)],
    ['only a header', Uint8Array.from([0x49, 0x49, 42, 0, 8, 0, 0, 0])],
    ['of 65535 x 65535 pixels', tiffFixture({ ...sound, tags: { 256: [65535], 257: [65535] } })],
    ['cut deflate', tiffFixture({ ...sound, compression: 8, tags: { 279: [100] } })],
    ['strips that are too few', tiffFixture({ ...sound, tags: { 278: [1] } })],
  ])('%s is unreadable', async (_, file) => {
    expect(await codeOf(readRaster(file, 'p.tif'))).toBe('FILE_UNREADABLE');
  });

  test('deflated data that would unpack to far more than the image is refused, not unpacked', async () => {
    const bomb = tiffFixture({
      width: 2048,
      height: 1024,
      bands: [new Array<number>(2048 * 1024).fill(0)],
      type: 'uint8',
      compression: 8,
      tags: { 256: [4], 257: [4], 278: [4] },
    });
    const before = process.memoryUsage().arrayBuffers;
    expect(await codeOf(readRaster(bomb, 'p.tif'))).toBe('FILE_UNREADABLE');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(0.5e6);
  });

  test('no damage of single bytes crashes or hangs the reader', async () => {
    const files = [5, 8, 32773].map((compression) => tiffFixture({ ...sound, compression, rowsPerStrip: 8 }));
    for (const file of files) {
      for (let at = 0; at < 400; at++) {
        for (const value of [0, 0xff, (file[at] as number) ^ 1]) {
          const damaged = file.slice();
          damaged[at] = value;
          await readRaster(damaged, 'p.tif').catch((error) => expect(error).toBeInstanceOf(FurrowError));
        }
      }
    }
  });

  test('another number of bands than asked for is an error', async () => {
    await expect(readRaster(tiffFixture({ ...sound, bands: bandsOf(3) }), 'p.tif', { bands: 1 })).rejects.toThrow(
      'p.tif has 3 band(s), expected 1',
    );
  });
});

test('what writeTiff writes is read again to the bit', async () => {
  const pixels = Float32Array.from({ length: width * height }, (_, i) => Math.fround(Math.sin(i)));
  const file = writeTiff(width, height, pixels);
  expect((await readRaster(file, 'p.tif')).bands).toEqual([pixels]);
  expect(writeTiff(width, height, pixels)).toEqual(file);
});
