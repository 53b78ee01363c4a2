import { createHash, randomBytes } from 'node:crypto';
import { open, readFile, writeFile } from 'node:fs/promises';
import { freemem } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readLargeFile, updateHash } from './largeFile.ts';
import { temporaryFolder } from './testing/temporaryFolder.ts';

const folder = temporaryFolder();
const gib = 2 ** 30;

describe('readLargeFile', () => {
  it.each([0, 1, 9, 10, 11, 1000])('reads %i bytes, ten at once', async (length) => {
    const file = join(folder, 'pieces');
    const bytes = randomBytes(length);
    await writeFile(file, bytes);
    expect((await readLargeFile(file, 10)).equals(bytes)).toBe(true);
  });

  it('reads more than 2 GiB, which readFile refuses', async (test) => {
    if (freemem() < 4 * gib) test.skip('this machine has too little memory free for a file of 2 GiB');
    const file = join(folder, 'large');
    const handle = await open(file, 'w');
    await handle.truncate(2 * gib);
    await handle.write(Buffer.from('end'), 0, 3, 2 * gib);
    await handle.close();
    await expect(readFile(file)).rejects.toMatchObject({ code: 'ERR_FS_FILE_TOO_LARGE' });
    const bytes = await readLargeFile(file);
    expect(bytes.length).toBe(2 * gib + 3);
    expect(bytes.toString('latin1', 2 * gib)).toBe('end');
  }, 120_000);

  it('tells what the system says of a file that is not there', async () => {
    await expect(readLargeFile(join(folder, 'none'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('updateHash', () => {
  it.each([0, 1, 9, 10, 11, 1000])('hashes %i bytes as one call does, ten at once', (length) => {
    const bytes = randomBytes(length);
    const whole = createHash('sha256').update(bytes).digest('hex');
    expect(updateHash(createHash('sha256'), bytes, 10).digest('hex')).toBe(whole);
  });
});
