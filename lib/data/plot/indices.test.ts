import { expect, test } from 'vitest';
import { indexBands } from '../../../contract/stages/preprocess.ts';
import { appendIndices, indexFormulas } from './indices.ts';

const indices = ['ndvi', 'ndre', 'gndvi'] as const;

test('each index is the normalized difference of near infrared and its own band', () => {
  const bands = ['green', 'red', 'red_edge', 'nir'];
  const plot = Float32Array.of(0.2, 0.1, 0.3, 0.5, 0, 0, 0);
  appendIndices(plot, { bands, indices });
  const [ndvi, ndre, gndvi] = plot.subarray(bands.length);
  expect(ndvi).toBeCloseTo((0.5 - 0.1) / 0.6, 6);
  expect(ndre).toBeCloseTo((0.5 - 0.3) / 0.8, 6);
  expect(gndvi).toBeCloseTo((0.5 - 0.2) / 0.7, 6);
});

test('a config is asked for exactly the bands that are computed with', () => {
  for (const index of indices) expect([...indexFormulas[index]].sort()).toEqual([...indexBands[index]].sort());
});
