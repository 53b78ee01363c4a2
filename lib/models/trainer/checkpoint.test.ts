import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildProgram } from '../testing/buildProgram.ts';
import { temporaryFolder } from '../testing/temporaryFolder.ts';
import { readCheckpoint, type TrainingState, writeCheckpoint } from './checkpoint.ts';
import { startPosition } from './position.ts';

const folder = temporaryFolder();
const state: TrainingState = {
  training: 'this one',
  position: {
    ...startPosition,
    step: 12,
    epoch: 2,
    stepInEpoch: 2,
    epochSums: { loss: 0.1, errors: 33.25, plots: 32 },
    lastEpoch: { loss: 0.3, mae: 41.5, valMae: 43 },
    best: { epoch: 1, valMae: 40 },
  },
  tensors: [
    { name: 'weights/a', shape: [2, 2], values: Float32Array.of(1, -0, 1e-40, Math.fround(0.1)) },
    { name: 'slots/velocity/a', shape: [], values: Float32Array.of(3) },
    { name: 'best/a', shape: [0], values: Float32Array.of() },
  ],
  runLog: Buffer.from('{"step":1}\n'),
};

async function written(name: string): Promise<string> {
  const file = join(folder, name);
  await writeCheckpoint(file, state);
  return file;
}

describe('a checkpoint', () => {
  it('gives back bit for bit what was written', async () => {
    const read = await readCheckpoint(await written('whole'), 'this one');
    expect(read.position).toEqual(state.position);
    expect(read.tensors).toEqual(state.tensors);
    expect(Buffer.from(read.runLog).toString()).toBe('{"step":1}\n');
  });

  it.each([0, 10, 63, 64, 65, 200])('torn after %i bytes is refused', async (length) => {
    const file = await written('torn');
    await writeFile(file, (await readFile(file)).subarray(0, length));
    await expect(readCheckpoint(file, 'this one')).rejects.toMatchObject({ code: 'CHECKPOINT_INVALID' });
  });

  it('with one bit altered anywhere is refused', async () => {
    const file = await written('altered');
    const bytes = await readFile(file);
    for (let at = 0; at < bytes.length; at += 7) {
      const altered = Buffer.from(bytes);
      altered[at] = (altered[at] as number) ^ 1;
      await writeFile(file, altered);
      await expect(readCheckpoint(file, 'this one')).rejects.toMatchObject({ code: 'CHECKPOINT_INVALID' });
    }
  });

  it('of another training is refused', async () => {
    await expect(readCheckpoint(await written('other'), 'another')).rejects.toMatchObject({
      code: 'CHECKPOINT_INVALID',
    });
  });
});

describe.skipIf(process.platform !== 'linux')('a checkpoint that there is no room for', () => {
  it('says so and leaves nothing', async () => {
    const full = join(folder, 'full');
    await mkdir(full);
    // Every write to this device fails as on a full disk.
    await symlink('/dev/full', join(full, 'checkpoint.part'));
    await expect(writeCheckpoint(join(full, 'checkpoint'), state)).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(await readdir(full)).toEqual([]);
  });

  it('leaves nothing of what was written before the room ended', async () => {
    const full = join(folder, 'cut');
    await mkdir(full);
    const writer = await buildProgram('lib/models/testing/checkpointWriter.ts');
    // In blocks of at least 512 bytes: far less than the program writes.
    const command = `ulimit -f 16 && exec "$0" "$@"`;
    const said = await new Promise<string>((resolve, reject) => {
      const args = ['-c', command, process.execPath, writer, join(full, 'checkpoint')];
      execFile('sh', args, (error, stdout) => (error ? reject(error) : resolve(stdout)));
    });
    expect(said).toBe('EFBIG');
    expect(await readdir(full)).toEqual([]);
  });
});
