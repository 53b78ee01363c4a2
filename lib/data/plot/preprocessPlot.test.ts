import { describe, expect, test } from 'vitest';
import type { Preprocessing } from '../../../contract/features.ts';
import { type Band, cropBand, resizeBand } from './fit.ts';
import { preprocessPlot, summarizePlot } from './preprocessPlot.ts';

function band(rows: readonly (readonly number[])[]): Band {
  return { height: rows.length, width: rows[0]?.length ?? 0, pixels: Float32Array.from(rows.flat()) };
}

describe('bringing a band to size', () => {
  test('shrinking takes the mean of the covered area, also by a fraction of a pixel', () => {
    const shrunk = resizeBand(
      band([
        [1, 2, 3],
        [4, 5, 6],
        [7, 8, 9],
      ]),
      { height: 1, width: 2 },
    );
    // Columns: 1 and half of 2; half of 2 and 3.
    expect(shrunk[0]).toBeCloseTo((12 + 15 / 2) / 4.5, 6);
    expect(shrunk[1]).toBeCloseTo((15 / 2 + 18) / 4.5, 6);
  });

  test('growing is bilinear between pixel centres and level beyond the outermost ones', () => {
    expect([...resizeBand(band([[0, 4]]), { height: 1, width: 4 })]).toEqual([0, 1, 3, 4]);
  });

  test('the mean of a plot survives scaling by a whole number', () => {
    const pixels = Float32Array.from({ length: 12 * 8 }, (_, i) => (i * 37) % 101);
    const mean = (values: Float32Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(mean(resizeBand({ height: 12, width: 8, pixels }, { height: 4, width: 2 }))).toBeCloseTo(mean(pixels), 4);
  });

  test('invalid pixels are left out of means; where most is invalid, so is the result', () => {
    const shrunk = resizeBand(
      band([
        [1, Number.NaN, 5, Number.NaN],
        [3, 5, Number.NaN, Number.NaN],
      ]),
      { height: 1, width: 2 },
    );
    expect([...shrunk]).toEqual([3, Number.NaN]);
  });

  test('cropping takes the centre', () => {
    expect([
      ...cropBand(
        band([
          [1, 2, 3, 4],
          [5, 6, 7, 8],
          [9, 10, 11, 12],
        ]),
        { height: 1, width: 2 },
      ),
    ]).toEqual([6, 7]);
  });
});

const preprocessing: Preprocessing = {
  bands: ['red', 'nir'],
  indices: ['ndvi'],
  height: 1,
  width: 3,
  fit: 'resize',
  fill: [0.25, 0.75],
};

describe('a plot becomes [height, width, channels]', () => {
  test('bands in order, then indices; invalid pixels filled before indices are taken', () => {
    const plot = preprocessPlot(
      new Map([
        ['nir', band([[0.5, Number.POSITIVE_INFINITY, 0]])],
        ['red', band([[0.25, Number.NaN, 0]])],
        ['swir', band([[9]])],
      ]),
      preprocessing,
    );
    expect([...plot]).toEqual([0.25, 0.5, Math.fround(1 / 3), 0.25, 0.75, 0.5, 0, 0, 0]);
  });

  test('pixels outside the valid range are filled', () => {
    const bands = new Map([
      ['nir', band([[0.5, 2, 0.5]])],
      ['red', band([[-9999, 0.5, 0.5]])],
    ]);
    const plot = preprocessPlot(bands, { ...preprocessing, indices: [], validRange: [0, 1] });
    expect([...plot]).toEqual([0.25, 0.5, 0.5, 0.75, 0.5, 0.5]);
  });

  test.each([
    ['a missing band', new Map([['red', band([[1, 1, 1]])]]), 'missing-band', {}],
    [
      'bands of two sizes',
      new Map([
        ['red', band([[1, 1, 1]])],
        ['nir', band([[1, 1]])],
      ]),
      'size-differs',
      {},
    ],
    [
      'a band without a valid pixel',
      new Map([
        ['red', band([[1, 1, 1]])],
        ['nir', band([[Number.NaN, Number.NaN, Number.NaN]])],
      ]),
      'no-valid-pixel',
      {},
    ],
    [
      'a plot smaller than the crop',
      new Map([
        ['red', band([[1, 1]])],
        ['nir', band([[1, 1]])],
      ]),
      'too-small',
      { fit: 'crop' as const },
    ],
  ])('%s is bad input', (_, bands, kind, options) => {
    expect(() => preprocessPlot(bands, { ...preprocessing, ...options })).toThrow(
      expect.objectContaining({ code: 'DATA_BAD_INPUT', details: { kind } }),
    );
  });

  test('every band at fault is told, and those of an unusual size are held against the usual one', () => {
    const bands = new Map([
      ['red', band([[1, 1]])],
      ['nir', band([[1, 1, 1]])],
      ['green', band([[Number.NaN, Number.NaN, Number.NaN]])],
    ]);
    expect(() => preprocessPlot(bands, { ...preprocessing, bands: ['red', 'nir', 'green', 'blue'] })).toThrow(
      'The band red has 1x2 pixels, nir has 1x3; The band green has no valid pixel; The band blue is missing',
    );
  });

  test('its summary is each mean, then each standard deviation', () => {
    expect([...summarizePlot(Float32Array.of(1, 10, 3, 10), 2)]).toEqual([2, 10, 1, 0]);
  });
});
