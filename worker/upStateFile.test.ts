import { mkdirSync, mkdtempSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { homeFile, readUpState } from '../lib/home/home.ts';
import { keepUpState } from './upStateFile.ts';

let home: string;
const first = { pid: process.pid, startedAt: new Date(0).toISOString(), phase: 'starting' } as const;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'furrow-state-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

it('what could not be written is written, with what came after it, as soon as that can be', async () => {
  const said: string[] = [];
  const state = keepUpState(home, first, (line) => said.push(line));
  const obstacle = `${homeFile(home, 'state')}.${process.pid}`;
  mkdirSync(obstacle);
  state.update({ serverPid: 1 });
  state.update({ workerPid: 2 });
  expect(readUpState(home)).toEqual(first);
  rmdirSync(obstacle);
  await expect.poll(() => readUpState(home), { timeout: 5000 }).toEqual({ ...first, serverPid: 1, workerPid: 2 });
  expect(said).toEqual([expect.stringContaining('EISDIR'), expect.stringMatching(/is written again$/)]);
});

it('a state that was removed does not come back', async () => {
  const state = keepUpState(home, first, () => {});
  const obstacle = `${homeFile(home, 'state')}.${process.pid}`;
  mkdirSync(obstacle);
  state.update({ serverPid: 1 });
  rmdirSync(obstacle);
  state.remove();
  await new Promise((resolve) => setTimeout(resolve, 1500));
  expect(readUpState(home)).toBeUndefined();
});

it('a supervisor that could not be found does not start', () => {
  mkdirSync(homeFile(home, 'state'));
  expect(() => keepUpState(home, first, () => {})).toThrow();
});
