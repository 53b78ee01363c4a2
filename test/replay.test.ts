import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import proto from '@temporalio/proto';
import { DefaultLogger, makeTelemetryFilterString, Runtime, Worker } from '@temporalio/worker';
import { describe, expect, it } from 'vitest';
import { payloadsOf } from './harness/history.ts';
import { replayOptions } from './harness/replay.ts';

const { History } = proto.temporal.api.history.v1;
type History = proto.temporal.api.history.v1.IHistory;

// The last test makes a replay fail on purpose, which the core would print.
Runtime.install({
  logger: new DefaultLogger('ERROR', () => {}),
  telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }), forward: {} } },
});

const folder = join(import.meta.dirname, 'histories');
const files = readdirSync(folder).filter((name) => name.endsWith('.json'));

describe('a recorded history', () => {
  it('is there of each kind of run', () => {
    const runs = ['plain', 'cached', 'wide', 'failed', 'held', 'retried', 'approved', 'paused', 'reset', 'cancelled'];
    const shapes = [...runs, 'tracked', 'tracker'];
    expect(files.sort()).toEqual(shapes.map((shape) => `${shape}.json`).sort());
  });

  it.each(files)('%s takes the same way through the workflow of today', async (file) => {
    // Its own id: what a run starts besides itself is named after it.
    await Worker.runReplayHistory(replayOptions, read(file), file.replace('.json', '-1'));
  });

  it('that took another way is refused: the check checks', async () => {
    const history = read('plain.json');
    for (const { activityTaskScheduledEventAttributes: scheduled } of history.events ?? [])
      if (scheduled?.activityId === 'convnet#1') scheduled.activityId = 'convnet#7';
    await expect(Worker.runReplayHistory(replayOptions, history)).rejects.toThrow(/Nondeterminism/i);
  });

  it.each(files)('%s holds nothing of the machine that it was recorded on', (file) => {
    const text = readFileSync(join(folder, file), 'utf8');
    expect(text.length).toBeLessThan(60_000);
    for (const part of [text, ...payloadsOf(text)]) {
      const paths = part.match(/(?<![\w.:/-])\/(?:home|root|work|Users|tmp|var|opt)\/[\w.-]+/g) ?? [];
      expect(paths.filter((path) => path !== '/tmp/furrow-recorded')).toEqual([]);
      expect(part).not.toMatch(/"identity"|"stackTrace"|\d+@\w/);
    }
  });
});

/** As scripts/recordHistory.mjs wrote it: the protobuf's own JSON. */
function read(file: string): History {
  return History.fromObject(JSON.parse(readFileSync(join(folder, file), 'utf8')));
}
