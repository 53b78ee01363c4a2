import { describe, expect, it } from 'vitest';
import type { RunRecord } from '../../contract/messages.ts';
import { runRecordName } from './names.ts';
import { readRunRecord, saveRunRecord } from './runRecords.ts';
import { testStore } from './testing/testStore.ts';

describe('run records', () => {
  it('only grow newer: a save that was overtaken is dropped', async () => {
    const store = await testStore();
    await saveRunRecord(store, record('w', 'running'), 4);
    await saveRunRecord(store, record('w', 'finished'), 9);
    await saveRunRecord(store, record('w', 'running'), 8);
    await saveRunRecord(store, record('w', 'failed'), 9);
    expect(await readRunRecord(store, 'w', 'r')).toMatchObject({ status: 'finished' });
  });

  it('end at the newest when many are saved at once', async () => {
    const store = await testStore();
    await Promise.all(
      Array.from({ length: 10 }, (_, at) => saveRunRecord(store, { ...record('w', 'running'), seed: at + 1 }, at + 1)),
    );
    expect((await readRunRecord(store, 'w', 'r'))?.seed).toBe(10);
  });

  it.each([
    'plain',
    'with/slash',
    '..',
    'ümläut and space',
    '100%',
    'a=b',
    '.hidden',
    '../../etc/passwd',
    'long '.repeat(150),
  ])('are kept under the workflow id %j', async (workflowId) => {
    const store = await testStore();
    await saveRunRecord(store, record(workflowId, 'running'), 1);
    await saveRunRecord(store, record('another', 'running'), 1);
    expect((await readRunRecord(store, workflowId, 'r'))?.run.workflowId).toBe(workflowId);
  });

  it('have names that no other workflow id has', () => {
    const ids = [`${'x'.repeat(300)}1`, `${'x'.repeat(300)}2`, 'a/b', 'a=2Fb', 'a%2Fb', 'a', 'A', '.a', '=2Ea'];
    expect(new Set(ids.map((id) => runRecordName(id, 'r'))).size).toBe(ids.length);
  });

  it('of unknown runs are absent', async () => {
    const store = await testStore();
    expect(await readRunRecord(store, 'w', 'r')).toBeUndefined();
  });
});

function record(workflowId: string, status: RunRecord['status']): RunRecord {
  return {
    format: 1,
    run: { pipeline: 'p', workflowId, runId: 'r' },
    status,
    startedAt: '2026-01-01T00:00:00.000Z',
    stages: [],
  };
}
