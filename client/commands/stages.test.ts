import { describe, expect, test } from 'vitest';
import { loadContracts } from '../../activities/attempt/catalog.ts';
import type { Output } from '../output.ts';
import { stages } from './stages.ts';

async function answerOf(stage: string): Promise<{ lines: readonly string[]; value: unknown }> {
  let answer = { lines: [] as readonly string[], value: undefined as unknown };
  const output: Output = {
    json: false,
    say: () => undefined,
    answer: (value, lines) => {
      answer = { lines: lines(), value };
    },
  };
  await stages(stage, output);
  return answer;
}

interface Shown {
  readonly name: string;
  readonly description: string;
  readonly keys: readonly Shown[];
}

describe('furrow stages NAME', () => {
  test('tells the keys of a mapping below it, each with what it takes, its default and what it does', async () => {
    const { lines } = await answerOf('train');
    const at = lines.findIndex((line) => line.trim().startsWith('sgd.lr'));
    expect(lines[at]).toMatch(/^ {6}sgd\.lr +a number above 0 up to 100 \(required\)$/);
    expect(lines[at + 1]).toMatch(/^ {23}Learning rate/);
    expect(lines[at + 2]).toMatch(/^ {6}sgd\.momentum +a number from 0 below 1 \(default 0\)$/);
    expect(lines[at - 4]).toMatch(/^ {2}optimizer +a mapping \(default \{"sgd":\{"lr":0\.05,"momentum":0\.9\}\}\)$/);
  });

  test('tells keys that stand in place of each other', async () => {
    const { lines } = await answerOf('preprocess');
    expect(lines).toContainEqual(expect.stringMatching(/ {6}by +one of `folder`, `labels` \(instead of test\)/));
    expect(lines).toContainEqual(expect.stringMatching(/ {6}test +a number from 0 to 0\.9 \(instead of by\)/));
    expect(lines).toContainEqual(expect.stringMatching(/ {6}labels\.file +text \(default "labels\.csv"\)/));
  });

  test.each(['fetchData', 'preprocess', 'train', 'evaluate', 'registerModel', 'buildImage'])(
    'describes every parameter of %s, and every key',
    async (stage) => {
      expect((await loadContracts()).has(stage)).toBe(true);
      const { params } = (await answerOf(stage)).value as { params: readonly (readonly Shown[])[] };
      const all = params.flat().flatMap((param) => [param, ...param.keys]);
      expect(all.length).toBeGreaterThan(0);
      expect(all.filter(({ description }) => description.length < 15)).toEqual([]);
    },
  );
});
