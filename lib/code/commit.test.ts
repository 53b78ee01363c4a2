import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { commitOf } from './commit.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'furrow-commit-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const git = (...args: string[]) => execFileSync('git', ['-C', folder, ...args], { encoding: 'utf8', stdio: 'pipe' });

it('is that of the repository around a folder', () => {
  git('init', '-q');
  expect(commitOf(folder)).toBeUndefined();
  git('-c', 'user.name=a', '-c', 'user.email=a@b.c', 'commit', '-q', '--allow-empty', '-m', 'first');
  mkdirSync(join(folder, 'configs'));
  expect(commitOf(join(folder, 'configs'))).toBe(git('rev-parse', 'HEAD').trim());
});

it('is none outside of a repository, and of a folder that is not there', () => {
  expect(commitOf(folder)).toBeUndefined();
  expect(commitOf(join(folder, 'nowhere'))).toBeUndefined();
});
