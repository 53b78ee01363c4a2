import { describe, expect, it } from 'vitest';
import { Dag, type DagNode } from './dag.ts';

const diamond: DagNode[] = [
  { name: 'root', needs: [] },
  { name: 'slow', needs: ['root'] },
  { name: 'quick', needs: ['root'] },
  { name: 'afterQuick', needs: ['quick'] },
  { name: 'end', needs: ['slow', 'afterQuick'] },
];

/** Starts what is ready and ends it at once, but for those named. */
function runUntil(dag: Dag, { fails = [], goesOn = [] }: { fails?: string[]; goesOn?: string[] } = {}): string[] {
  const began: string[] = [];
  for (let ready = dag.ready(); ready.length > 0; ready = dag.ready())
    for (const name of ready) {
      began.push(name);
      dag.set(name, goesOn.includes(name) ? 'started' : fails.includes(name) ? 'failed' : 'done');
    }
  return began;
}

describe('the graph of a run', () => {
  it('lets a node start when its own needs are done, not when a whole wave is', () => {
    const dag = new Dag(diamond);
    // In waves, `afterQuick` would wait for `slow`.
    expect(runUntil(dag, { goesOn: ['slow'] })).toEqual(['root', 'slow', 'quick', 'afterQuick']);
    dag.set('slow', 'done');
    expect(runUntil(dag)).toEqual(['end']);
    expect(dag.isDone).toBe(true);
  });

  it('keeps back what needs a failed node, near or far, and goes on with every other branch', () => {
    const dag = new Dag(diamond);
    expect(runUntil(dag, { fails: ['quick'] })).toEqual(['root', 'slow', 'quick']);
    expect(dag.inState('failed')).toEqual(['quick']);
    expect(dag.inState('waiting')).toEqual(['afterQuick', 'end']);
    expect(dag.isDone).toBe(false);
  });

  it('replays a node with all that depends on it, and nothing else', () => {
    const dag = new Dag(diamond);
    runUntil(dag);
    const again = dag.withDependents(['quick']);
    expect(again).toEqual(['quick', 'afterQuick', 'end']);
    for (const name of again) dag.set(name, 'waiting');
    expect(runUntil(dag)).toEqual(['quick', 'afterQuick', 'end']);
  });

  it('gives none twice', () => {
    const dag = new Dag(diamond);
    dag.set('root', 'started');
    expect(dag.ready()).toEqual([]);
  });

  it('refuses nodes that stand before what they need, and names that it does not have', () => {
    const wrong = [
      { name: 'b', needs: ['a'] },
      { name: 'a', needs: [] },
    ];
    expect(() => new Dag(wrong)).toThrow('Expected a before b');
    expect(() => new Dag(diamond).set('rot', 'done')).toThrow('rot');
  });

  it('runs none twice and forgets none, in a graph of hundreds', () => {
    const nodes = Array.from({ length: 300 }, (_, at) => ({
      name: `n${at}`,
      needs: [at - 1, at - 7, Math.floor(at / 2)].filter((need) => need >= 0 && need < at).map((need) => `n${need}`),
    }));
    const began = runUntil(new Dag(nodes));
    expect(began).toHaveLength(300);
    expect(new Set(began).size).toBe(300);
  });
});
