import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { lastErrorLine, logLength } from './lastError.ts';

let folder: string;
let log: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'furrow-log-'));
  log = join(folder, 'worker.log');
});
afterAll(() => rmSync(folder, { recursive: true }));

it.each([
  ['what a worker says as it ends', 'SETUP_INCOMPLETE: no build\nRun `npm run setup`.\n', 'SETUP_INCOMPLETE: no build'],
  [
    'a crash, without its stack',
    'TypeError: x is no function\n    at main (a.js:1:1)\n',
    'TypeError: x is no function',
  ],
  [
    'an entry of that level, with its cause',
    '{"level":50,"msg":"lost","error":"gone"}\n{"level":30,"msg":"on"}\n',
    'lost: gone',
  ],
  ['nothing of a log without errors', '{"level":30,"msg":"worker ready"}\nplain words\n{"half', undefined],
])('%s', (_, text, expected) => {
  writeFileSync(log, text);
  expect(lastErrorLine(log)).toBe(expected);
});

it('leaves out what is of earlier times, and a log that is not there', () => {
  writeFileSync(log, 'Error: of yesterday\n');
  expect(lastErrorLine(log, logLength(log))).toBeUndefined();
  expect(lastErrorLine(join(folder, 'none'))).toBeUndefined();
  expect(logLength(join(folder, 'none'))).toBe(0);
});
