import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { isAlive } from './home.ts';

it.skipIf(process.platform !== 'linux')('what has ended is not alive, though its parent does not reap it', async () => {
  // `exec`: the one that waits here knows of no child.
  const parent = spawn('/bin/sh', ['-c', 'true & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    const zombie = Number(String((await once(parent.stdout, 'data'))[0]));
    await expect.poll(() => isAlive(zombie)).toBe(false);
    expect(process.kill(zombie, 0)).toBe(true);
    expect(isAlive(parent.pid as number)).toBe(true);
  } finally {
    parent.kill();
  }
});

it('a process of another user is alive', ({ skip }) => {
  skip(process.platform === 'win32' || process.getuid?.() === 0, 'All may be signalled');
  expect(isAlive(1)).toBe(true);
});
