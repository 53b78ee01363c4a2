import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { followLines } from './followLines.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'furrow-follow-'));
  file = join(folder, 'log');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function all(lines: AsyncIterable<string>): Promise<string[]> {
  const found: string[] = [];
  for await (const line of lines) found.push(line);
  return found;
}

describe('the lines of a file', () => {
  it('are given without a torn last one', async () => {
    await writeFile(file, 'one\ntwo\nthr');
    expect(await all(followLines(file))).toEqual(['one', 'two']);
  });

  it('are whole wherever the pieces that it is read in end, also within a letter of several bytes', async () => {
    const lines = Array.from({ length: 3000 }, (_, index) => `${index} ${'ä€😀'.repeat(index % 90)}`);
    await writeFile(file, lines.map((line) => `${line}\n`).join(''));
    expect(await all(followLines(file))).toEqual(lines);
  });

  it('are none of a file that is not there', async () => {
    expect(await all(followLines(file))).toEqual([]);
  });

  it('come as they are written, from before the file is there until it grows no more', async () => {
    let ended = false;
    const following = followLines(file, { ended: () => ended });
    const first = following.next();
    await writeFile(file, 'one\ntw');
    expect((await first).value).toBe('one');
    const second = following.next();
    await appendFile(file, 'o\nthree\nfo');
    expect((await second).value).toBe('two');
    ended = true;
    expect(await all(following)).toEqual(['three']);
  });

  it('end with the signal', async () => {
    const stop = new AbortController();
    const next = followLines(file, { ended: () => false, signal: stop.signal }).next();
    stop.abort(new Error('enough'));
    await expect(next).rejects.toThrow();
  });
});
