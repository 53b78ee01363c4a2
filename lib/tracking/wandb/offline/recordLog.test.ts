import { randomBytes } from 'node:crypto';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RecordLog } from './recordLog.ts';
import { blockBytes, joinFrames, readFrames } from './testing/readRecords.ts';

/** What the Python client 0.31.0 wrote at the beginning of a file: the header, and its first record in a frame of its own. */
const header = '3a572642e1be00';
const frame = 'a0668b5f4b0001';
const record =
  '0801c20c080a06616263313233aa013b0a390a2f302e33312e302b313566386362633538316431633563666336653331663638623438626464313363656332646432631206302e37302e30';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'furrow-wandb-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function written(records: readonly Uint8Array[]): Promise<Buffer> {
  const path = join(folder, 'run.wandb');
  const file = await open(path, 'w');
  const log = new RecordLog(file);
  for (const record of records) await log.append(record);
  await log.finish();
  await file.close();
  return readFile(path);
}

describe('RecordLog', () => {
  it('writes a record as the official client does, byte by byte', async () => {
    expect((await written([Buffer.from(record, 'hex')])).toString('hex')).toBe(header + frame + record);
  });

  it('writes the header alone when there is no record', async () => {
    expect((await written([])).toString('hex')).toBe(header);
  });

  // The header, the first record's frame, and the record leave so much of the first block.
  it.each(Array.from({ length: 17 }, (_, left) => left))('goes on where %d bytes are left of a block', async (left) => {
    const records = [randomBytes(blockBytes - 7 - 7 - left), randomBytes(20), randomBytes(1)];
    const file = await written(records);
    const frames = readFrames(file);
    expect(joinFrames(frames)).toEqual(records);
    // Fewer than the 7 of a frame stay empty; with exactly 7 a part without data goes there, as LevelDB has it.
    expect(frames[1]?.at).toBe(left < 7 ? blockBytes : blockBytes - left);
    expect(frames[1]?.data.length).toBe(left < 7 ? 20 : Math.min(20, left - 7));
  });

  it('parts a record that is longer than a block', async () => {
    const records = [randomBytes(100), randomBytes(100_000), randomBytes(100)];
    const frames = readFrames(await written(records));
    expect(frames.map(({ type }) => type)).toEqual(['full', 'first', 'middle', 'middle', 'last', 'full']);
    expect(joinFrames(frames)).toEqual(records);
  });

  it('leaves the rest of a block empty, also where its memory held another block', async () => {
    const full = Buffer.alloc(64 * (blockBytes - 7) - 7, 0xff);
    const shorter = Array<Buffer>(5).fill(Buffer.alloc(blockBytes - 7 - 3, 0xff));
    const frames = readFrames(await written([full, ...shorter]));
    expect(frames.slice(64).map(({ at }) => at / blockBytes)).toEqual([64, 65, 66, 67, 68]);
  });

  it('writes more than it holds in memory: records of any length, one of them of 3 MB', async () => {
    const lengths = Array.from({ length: 400 }, (_, index) => (index * 7919) % 40_000);
    const records = [...lengths, 3_000_000, 5].map((length) => randomBytes(length));
    const file = await written(records);
    expect(file.length).toBeGreaterThan(8_000_000);
    expect(joinFrames(readFrames(file)).map((record, index) => record.equals(records[index] ?? Buffer.of()))).toEqual(
      records.map(() => true),
    );
  });
});
