import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { parseSource } from '../../../contract/sourceAddress.ts';
import { randomStream } from '../random.ts';
import { denseCanopy, syntheticBands } from './canopy.ts';
import { photograph } from './plot.ts';
import { layOut } from './trial.ts';

const spec = { train: 120, test: 40, seed: 7, height: 160, width: 106, noise: 1 };

describe('the trial', () => {
  test('levels are balanced in each split, names are unique and say the level in every spelling', () => {
    const plots = layOut(spec);
    for (const [split, each] of [
      ['train', 30],
      ['test', 10],
    ] as const) {
      for (const level of [0, 100, 200, 300]) {
        expect(plots.filter((plot) => plot.split === split && plot.kilograms === level)).toHaveLength(each);
      }
    }
    expect(new Set(plots.map((plot) => plot.name)).size).toBe(160);
    for (const spelling of ['zerokg', 'zero_kg', '100kg', '200kg', '300kg']) {
      expect(plots.some((plot) => plot.name.includes(`_${spelling}_Nitrogen_`))).toBe(true);
    }
  });

  test('names stay unique in a large trial', () => {
    expect(new Set(layOut({ ...spec, train: 5000, test: 0 }).map((plot) => plot.name)).size).toBe(5000);
  });
});

describe('a photograph', () => {
  const [first] = layOut(spec);
  if (!first) throw new Error('The trial has plots');

  test('is a function of plot and seed', () => {
    const digest = (seed: number): string => {
      const hash = createHash('sha256');
      for (const band of photograph(first, { ...spec, seed })) hash.update(new Uint8Array(band.buffer));
      return hash.digest('hex');
    };
    expect(digest(7)).toBe(digest(7));
    expect(digest(8)).not.toBe(digest(7));
  });

  test('holds reflectances, with vegetation bright in the near infrared', () => {
    const bands = photograph(first, spec);
    expect(bands.map((band) => band.length)).toEqual(syntheticBands.map(() => 160 * 106));
    const means = bands.map((band) => band.reduce((sum, value) => sum + value, 0) / band.length);
    for (const band of bands)
      for (const value of band) if (!(value >= 0 && value < 3)) throw new Error(`Reflectance ${value}`);
    expect(means[3]).toBeGreaterThan(2 * (means[1] as number));
  });
});

test('more chlorophyll darkens green and red edge and leaves near infrared alone', () => {
  const [green, red, redEdge, nir] = syntheticBands.map((_, band) => denseCanopy(band, 30) - denseCanopy(band, 50)) as [
    number,
    number,
    number,
    number,
  ];
  expect(green).toBeGreaterThan(0.02);
  expect(redEdge).toBeGreaterThan(0.02);
  // Red saturates first, which is why it tells little.
  expect(red).toBeLessThan(green / 2.5);
  expect(nir).toBe(0);
});

/**
 * How hard the trial is: mean absolute error on test plots, by ridge on each band's mean and standard deviation, and on the colour
 * of the brightest tenth of pixels (the leaves in the middle of rows), which plot means do not show. The training median is 100 kg off.
 */
test('plot means tell nitrogen to some 40 kg, the leaves in the rows to far less', () => {
  const rows = layOut(spec).map((plot) => {
    const bands = photograph(plot, spec);
    return {
      target: plot.kilograms,
      test: plot.split === 'test',
      means: meansAndDeviations(bands),
      leaves: leafColour(bands),
    };
  });
  const error = (feature: 'means' | 'leaves'): number => {
    const predict = ridge(rows.filter((row) => !row.test).map((row) => [row[feature], row.target]));
    const tests = rows.filter((row) => row.test);
    return tests.reduce((sum, row) => sum + Math.abs(predict(row[feature]) - row.target), 0) / tests.length;
  };
  expect(error('means')).toBeGreaterThan(30);
  expect(error('means')).toBeLessThan(50);
  expect(error('leaves')).toBeLessThan(0.75 * error('means'));
});

function meansAndDeviations(bands: readonly Float32Array[]): number[] {
  return bands.flatMap((band) => {
    const mean = band.reduce((sum, value) => sum + value, 0) / band.length;
    return [mean, Math.sqrt(band.reduce((sum, value) => sum + (value - mean) ** 2, 0) / band.length)];
  });
}

function leafColour(bands: readonly Float32Array[]): number[] {
  const [green, red, redEdge, nir] = bands as [Float32Array, Float32Array, Float32Array, Float32Array];
  const brightest = [...nir.keys()].sort((a, b) => (nir[b] as number) - (nir[a] as number)).slice(0, nir.length / 10);
  const mean = (band: Float32Array): number =>
    brightest.reduce((sum, at) => sum + (band[at] as number), 0) / brightest.length;
  const edge = Math.log(mean(nir) / mean(redEdge));
  return [edge, edge ** 2, Math.log(mean(nir) / mean(green)), Math.log(mean(nir) / mean(red))];
}

/** Least squares with penalty 0.1 on standardised features, by Gaussian elimination. */
function ridge(rows: readonly (readonly [number[], number])[]): (features: number[]) => number {
  const width = rows[0]?.[0].length ?? 0;
  const mean = Array.from(
    { length: width },
    (_, i) => rows.reduce((sum, [x]) => sum + (x[i] as number), 0) / rows.length,
  );
  const std = mean.map((m, i) =>
    Math.sqrt(rows.reduce((sum, [x]) => sum + ((x[i] as number) - m) ** 2, 0) / rows.length),
  );
  const scaled = (x: number[]): number[] => [
    1,
    ...x.map((value, i) => (value - (mean[i] as number)) / (std[i] as number)),
  ];
  const system = Array.from({ length: width + 1 }, () => new Float64Array(width + 2));
  for (const [x, y] of rows) {
    const v = scaled(x);
    for (const [i, line] of system.entries())
      [...v, y].forEach((value, j) => {
        line[j] = (line[j] as number) + (v[i] as number) * value;
      });
  }
  for (const [i, line] of system.entries()) {
    if (i > 0) line[i] = (line[i] as number) + 0.1;
  }
  for (const [i, pivot] of system.entries()) {
    for (const [k, line] of system.entries()) {
      const factor = k === i ? 0 : (line[i] as number) / (pivot[i] as number);
      if (k !== i)
        line.forEach((value, j) => {
          line[j] = value - factor * (pivot[j] as number);
        });
    }
  }
  const weights = system.map((line, i) => (line[width + 1] as number) / (line[i] as number));
  return (x) => scaled(x).reduce((sum, value, i) => sum + value * (weights[i] as number), 0);
}

test('random numbers depend on their place alone, and are spread and independent as they should be', () => {
  const stream = randomStream(1, 'test');
  const count = 100_000;
  const normals = Float64Array.from({ length: count }, (_, i) => stream.normal(i));
  const moment = (power: number): number => normals.reduce((sum, value) => sum + value ** power, 0) / count;
  expect(Math.abs(moment(1))).toBeLessThan(0.015);
  expect(Math.abs(moment(2) - 1)).toBeLessThan(0.02);
  expect(Math.abs(moment(4) - 3)).toBeLessThan(0.15);
  const other = randomStream(1, 'tesu');
  let product = 0;
  let lagged = 0;
  for (let i = 0; i < count; i++) {
    product += (normals[i] as number) * other.normal(i);
    lagged += (normals[i] as number) * (normals[(i + 1) % count] as number);
  }
  expect(Math.abs(product / count)).toBeLessThan(0.015);
  expect(Math.abs(lagged / count)).toBeLessThan(0.015);
  expect(randomStream(1, 'test').normal(77)).toBe(normals[77]);
  expect(randomStream(2 ** 32 + 1, 'test').uniform(0)).not.toBe(stream.uniform(0));
});

describe('a synthetic source', () => {
  test('has defaults for what is not said', () => {
    expect(parseSource('synthetic:plots')).toEqual({ scheme: 'synthetic', plots: spec });
  });

  test.each([
    ['synthetic:plots?trian=3', 'did you mean `train`?'],
    ['synthetic:plots?train=-3', 'from 0 to 20000'],
    ['synthetic:plots?train=3.5', 'a whole number'],
    ['synthetic:plots?train=3&train=4', 'twice'],
    ['synthetic:plots?train=0&test=0', 'no plot at all'],
    ['synthetic:fields', 'only `plots`'],
    ['file:', 'names no folder'],
    ['file://server/share', 'names a host'],
  ])('%s is refused', (source, message) => {
    expect(() => parseSource(source)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(message) }),
    );
  });

  test('an unknown scheme lists the known ones, and repeats no password', () => {
    const refusal = (): unknown => parseSource('s3://me:pass@host/data?token=abc');
    expect(refusal).toThrow(
      expect.objectContaining({
        code: 'SOURCE_UNKNOWN_SCHEME',
        message: expect.stringMatching(/`file:`.*`synthetic:`/),
      }),
    );
    expect(refusal).toThrow(expect.objectContaining({ message: expect.not.stringMatching(/pass|abc/) }));
  });
});
