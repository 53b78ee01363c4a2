import { describe, expect, it } from 'vitest';
import { type DagNode, runDag } from './runDag.ts';

const diamond: DagNode[] = [
  { name: 'root', needs: [] },
  { name: 'slow', needs: ['root'] },
  { name: 'quick', needs: ['root'] },
  { name: 'afterQuick', needs: ['quick'] },
  { name: 'end', needs: ['slow', 'afterQuick'] },
];

describe('runDag', () => {
  it('starts a node when its own needs are done, not when a whole wave is', async () => {
    const began: string[] = [];
    let finishSlow = () => {};
    const slow = new Promise<void>((resolve) => {
      finishSlow = resolve;
    });
    const running = runDag(diamond, async ({ name }) => {
      began.push(name);
      if (name === 'slow') await slow;
      if (name === 'afterQuick') finishSlow();
      return name;
    });
    const outcomes = await running;
    // `slow` ends only once `afterQuick` has begun: in waves this would never end.
    expect(began).toEqual(['root', 'slow', 'quick', 'afterQuick', 'end']);
    expect([...outcomes.keys()]).toEqual(diamond.map(({ name }) => name));
  });

  it('gives a node the results of what it needs, and of nothing else', async () => {
    const seen = new Map<string, string[]>();
    await runDag<DagNode, string>(diamond, async ({ name }, results) => {
      seen.set(name, [...results.values()]);
      return `${name}!`;
    });
    expect(seen.get('root')).toEqual([]);
    expect(seen.get('end')).toEqual(['slow!', 'afterQuick!']);
  });

  it('skips what needs a failed node, near or far, says which, and goes on with every other branch', async () => {
    const began: string[] = [];
    const outcomes = await runDag(diamond, async ({ name }) => {
      began.push(name);
      if (name === 'quick') throw new Error('broken');
      return name;
    });
    expect(began).toEqual(['root', 'slow', 'quick']);
    expect(outcomes.get('slow')).toEqual({ kind: 'done', result: 'slow' });
    expect(outcomes.get('quick')).toMatchObject({ kind: 'failed', error: { message: 'broken' } });
    expect(outcomes.get('afterQuick')).toEqual({ kind: 'skipped', because: 'quick' });
    expect(outcomes.get('end')).toEqual({ kind: 'skipped', because: 'quick' });
  });

  it('takes a node that throws at once like one that fails later', async () => {
    const outcomes = await runDag([{ name: 'only', needs: [] }], () => {
      throw new Error('at once');
    });
    expect(outcomes.get('only')).toMatchObject({ kind: 'failed' });
  });

  it('refuses nodes that stand before what they need', async () => {
    const wrong = [
      { name: 'b', needs: ['a'] },
      { name: 'a', needs: [] },
    ];
    await expect(runDag(wrong, async () => {})).rejects.toThrow('Expected a before b');
  });

  it('runs none twice and forgets none, in a graph of hundreds', async () => {
    const nodes = Array.from({ length: 300 }, (_, at) => ({
      name: `n${at}`,
      needs: [at - 1, at - 7, Math.floor(at / 2)].filter((need) => need >= 0 && need < at).map((need) => `n${need}`),
    }));
    const began: string[] = [];
    const outcomes = await runDag(nodes, async ({ name }) => void began.push(name));
    expect(new Set(began).size).toBe(300);
    expect(began).toHaveLength(300);
    expect([...outcomes.values()].every(({ kind }) => kind === 'done')).toBe(true);
  });
});
