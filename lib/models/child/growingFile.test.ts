import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { growingFile } from './growingFile.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'furrow-growing-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const bytes = (text: string) => Buffer.from(text);

it('holds at once what was appended, and nothing of the file before it', () => {
  const file = join(folder, 'log');
  growingFile(file, () => {})(bytes('of another attempt\n'));
  const append = growingFile(file, () => {});
  for (const line of ['one\n', 'two\n']) {
    append(bytes(line));
    expect(readFileSync(file, 'utf8').endsWith(line)).toBe(true);
  }
  expect(readFileSync(file, 'utf8')).toBe('one\ntwo\n');
});

it('says once that it cannot be written, and never throws', () => {
  const said: string[] = [];
  const append = growingFile(join(folder, 'nowhere/log'), (message) => said.push(message));
  append(bytes('one\n'));
  append(bytes('two\n'));
  expect(said).toEqual([expect.stringMatching(/^the run log cannot be followed: ENOENT/)]);
});

it.skipIf(process.platform !== 'linux')('says so of a full disk, too', () => {
  const said: string[] = [];
  growingFile('/dev/full', (message) => said.push(message))(bytes('one\n'));
  expect(said).toEqual([expect.stringContaining('ENOSPC')]);
});
