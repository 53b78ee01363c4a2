import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { homeFile, isAlive } from '../lib/home/home.ts';
import { endLeftovers, endSupervisor } from './leftovers.ts';

it.skipIf(process.platform !== 'linux')('what was ended is not waited for where nobody reaps it', async () => {
  const home = mkdtempSync(join(tmpdir(), 'furrow-leftovers-'));
  mkdirSync(join(home, 'worker'));
  writeFileSync(join(home, 'worker/main.js'), 'setInterval(() => {}, 1000); console.log(process.pid);');
  const parent = spawn('/bin/sh', ['-c', `'${process.execPath}' worker/main.js & exec sleep 60`], {
    cwd: home,
    env: { ...process.env, FURROW_HOME: home },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  try {
    const worker = Number(String((await once(parent.stdout, 'data'))[0]));
    writeFileSync(homeFile(home, 'state'), JSON.stringify({ pid: 2 ** 30, phase: 'ready', workerPid: worker }));
    const startedAt = performance.now();
    expect(await endLeftovers(home)).toEqual(['worker']);
    // Its number is still taken; as a supervisor's, too, it is nobody to wait for.
    expect(process.kill(worker, 0)).toBe(true);
    expect(await endSupervisor(home, worker)).toEqual([]);
    expect(performance.now() - startedAt).toBeLessThan(5000);
    expect(isAlive(worker)).toBe(false);
  } finally {
    parent.kill();
    rmSync(home, { recursive: true, force: true });
  }
});
