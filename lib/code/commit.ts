import { spawnSync } from 'node:child_process';

/** Milliseconds: a repository on a network drive must not hold a run up. */
const limitMs = 2_000;

/** The commit that a folder's git repository is at; undefined outside of one, or without git. */
export function commitOf(folder: string): string | undefined {
  const { status, stdout } = spawnSync('git', ['-C', folder, 'rev-parse', '--verify', 'HEAD'], {
    encoding: 'utf8',
    timeout: limitMs,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const commit = status === 0 ? stdout.trim() : '';
  return /^[0-9a-f]{40,64}$/.test(commit) ? commit : undefined;
}
