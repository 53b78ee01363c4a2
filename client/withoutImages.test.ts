import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadContracts } from '../activities/attempt/catalog.ts';
import { productRoot } from '../lib/code/root.ts';
import { parsePipeline } from '../lib/config/parsePipeline.ts';
import { withoutImages } from './withoutImages.ts';

it('leaves the nitrogen pipeline whole but for its image', async () => {
  const text = readFileSync(join(productRoot, 'configs/nitrogen.yaml'), 'utf8');
  const contracts = await loadContracts();
  const stagesOf = (config: string) => {
    const outcome = parsePipeline({ text: config, file: 'nitrogen.yaml', contracts });
    if (!outcome.ok) throw new Error(JSON.stringify(outcome.problems));
    return outcome.pipeline.stages;
  };
  expect(stagesOf(text).map(({ uses }) => uses)).toContain('buildImage');
  expect(stagesOf(withoutImages(text))).toEqual(stagesOf(text).filter(({ uses }) => uses !== 'buildImage'));
});

it('keeps an image upon a base, and leaves what is no pipeline as it is', () => {
  const based = 'stages:\n  image: { uses: buildImage, with: { base: node } }\n';
  expect(withoutImages(based)).toBe(based);
  expect(withoutImages('just a word')).toBe('just a word');
});
