// biome-ignore-all lint/suspicious/noTemplateCurlyInString: pipeline files hold them
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { contractsOf, loadCatalog } from '../../activities/attempt/catalog.ts';
import { productRoot } from '../code/root.ts';
import { parsePipeline } from './parsePipeline.ts';
import { exampleContracts, nitrogen } from './testing/exampleContracts.ts';
import { writePipeline } from './writePipeline.ts';

const contracts = contractsOf(await loadCatalog());

function parsed(text: string, known = contracts, env = {}) {
  const outcome = parsePipeline({ text, file: 'test.yaml', contracts: known, env });
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.problems));
  return outcome.pipeline;
}

describe('a resolved pipeline that is written as a file', () => {
  it.each(['nitrogen.yaml', 'nitrogen-pooled.yaml', 'sentinel2-forest.yaml'])('is read as the same: %s', (file) => {
    const pipeline = parsed(readFileSync(join(productRoot, 'configs', file), 'utf8'), contracts, { FOREST: '/plots' });
    expect(parsed(writePipeline(pipeline))).toEqual(pipeline);
  });

  it('keeps everything that a file can say', () => {
    const text = nitrogen
      .replace('stages:', 'onFailure: fail\nholdFor: 2h\nstrictRuntime: true\ndescription: What it is for\nstages:')
      .replace('queue: train-gpu,', 'queue: gpus, attempts: 3, timeout: 90m, approval: true,');
    const pipeline = parsed(text, exampleContracts);
    expect(pipeline).toMatchObject({ onFailure: 'fail', holdForSeconds: 7200 });
    expect(pipeline.stages).toContainEqual(expect.objectContaining({ queue: 'gpus', approval: true }));
    expect(parsed(writePipeline(pipeline), exampleContracts)).toEqual(pipeline);
  });

  it('keeps what looks like a variable, and leaves secrets unresolved', () => {
    const stages = (label: string) => `name: a\nstages: { only: { uses: pass, with: { label: '${label}' } } }\n`;
    for (const label of ['$${HOME} and ${NAME}', '${secret:KEY}']) {
      const pipeline = parsed(stages(label), contracts, { NAME: '${HOME}' });
      expect(parsed(writePipeline(pipeline))).toEqual(pipeline);
    }
  });
});
