import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Digest } from '../../contract/artifact.ts';
import type { InputRef, StageTask } from '../../contract/messages.ts';
import { operational, result } from '../../contract/params.ts';
import { defineStage } from '../../contract/stage.ts';
import { keyOf } from './key.ts';

const digest = (digit: string): Digest => `sha256:${digit.repeat(64)}`;
const contract = defineStage({
  name: 'stage',
  kind: 'pure',
  summary: '',
  params: z.strictObject({ epochs: result(z.number()), every: operational(z.number()) }),
  inputs: { features: { kind: 'features', count: 'one' }, models: { kind: 'model', count: 'any' } },
  output: 'model',
  usesSeed: true,
});
const input = (stage: string, content: string, uri = 'file:///a'): InputRef => ({
  stage,
  artifact: { uri, digest: digest(content), kind: 'x', bytes: 1 },
  metrics: { mae: 1 },
});
const task: StageTask = {
  run: { pipeline: 'p', workflowId: 'w', runId: 'r' },
  stage: 's',
  uses: 'stage',
  kind: 'pure',
  store: { uri: 'file:///s', id: 'i' },
  baseFolder: '/b',
  fingerprint: digest('f'),
  params: { epochs: 3, every: 1 },
  inputs: { features: [input('f', '1')], models: [input('m', '2')] },
  seed: 1,
  strictRuntime: false,
  cache: 'reuse',
};
const key = keyOf(contract, task);

describe('the key of a task', () => {
  it.each([
    ['the run and its pipeline', { run: { pipeline: 'q', workflowId: 'x', runId: 'y' } }],
    ['the name of the stage', { stage: 'other' }],
    ['the store and the folder', { store: { uri: 'gs://b', id: 'j' }, baseFolder: '/c' }],
    ['an operational parameter', { params: { epochs: 3, every: 9 } }],
    [
      'where an input lies, and its name where the output does not say it',
      {
        inputs: { features: [input('renamed', '1', 'gs://b/a')], models: [input('m', '2')] },
      },
    ],
    ['strictness and refreshing', { strictRuntime: true, cache: 'replace' as const }],
  ])('does not change with %s', (_, change) => {
    expect(keyOf(contract, { ...task, ...change })).toBe(key);
  });

  it.each([
    ['a result-changing parameter', { params: { epochs: 4, every: 1 } }],
    ['the code', { fingerprint: digest('e') }],
    ['the seed', { seed: 2 }],
    ['the content of an input', { inputs: { features: [input('f', '3')], models: [input('m', '2')] } }],
    ['the name of one of several inputs', { inputs: { features: [input('f', '1')], models: [input('n', '2')] } }],
    [
      'the order of several inputs',
      { inputs: { features: [input('f', '1')], models: [input('o', '4'), input('m', '2')] } },
    ],
    ['what the source holds', { source: { digest: digest('9'), facts: {} } }],
  ])('changes with %s', (_, change) => {
    expect(keyOf(contract, { ...task, ...change })).not.toBe(key);
  });

  it('leaves the seed out for a stage that uses none', () => {
    const seedless = { ...contract, usesSeed: false };
    expect(keyOf(seedless, { ...task, seed: 2 })).toBe(keyOf(seedless, task));
  });

  it('does not depend on the facts of a source, which say where and when', () => {
    const source = (facts: Record<string, string>) => ({ ...task, source: { digest: digest('9'), facts } });
    expect(keyOf(contract, source({ uri: 'a' }))).toBe(keyOf(contract, source({ uri: 'b' })));
  });
});
