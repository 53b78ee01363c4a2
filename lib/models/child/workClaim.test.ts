import { fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { buildProgram } from '../testing/buildProgram.ts';
import { temporaryFolder } from '../testing/temporaryFolder.ts';
import { isAlive, processMark } from './processMark.ts';
import { claimWork, dropDeadClaim, workFolder } from './workClaim.ts';

// As in a container that was started with a user's number alone.
vi.mock('node:os', async (original) => ({
  ...(await original<typeof import('node:os')>()),
  userInfo: () => {
    throw new Error('uv_os_get_passwd returned ENOENT');
  },
}));

const folder = temporaryFolder();
let holder: string;
beforeAll(async () => {
  holder = await buildProgram('lib/models/testing/claimHolder.ts');
});

/** A process that holds the claim; with `orphaned` its parent is gone by then. */
async function startHolder(work: string, orphaned = false): Promise<number> {
  const child = fork(holder, [work, ...(orphaned ? ['through a parent that ends'] : [])], {
    stdio: 'ignore',
    execArgv: [],
  });
  child.on('exit', () => {});
  const file = join(work, 'claim.json');
  await expect.poll(() => readFile(file, 'utf8').catch(() => ''), { timeout: 5000 }).toContain('}');
  return JSON.parse(await readFile(file, 'utf8')).pid;
}

describe('workFolder', () => {
  it("is this user's, though passwd does not know the user, and another for another key", () => {
    const [one, other] = [workFolder(`sha256:${'a'.repeat(64)}`), workFolder(`sha256:${'b'.repeat(64)}`)];
    expect(one).toContain(`furrow-${process.getuid?.()}`);
    expect(other).not.toBe(one);
  });
});

describe('claimWork', () => {
  it('is free again when it was given back', async () => {
    const work = join(folder, 'free');
    await (await claimWork(work))();
    await (await claimWork(work))();
  });

  it('leaves nothing when it was given back', async () => {
    const work = join(folder, 'given-back');
    await (await claimWork(work))();
    expect(existsSync(work)).toBe(false);
  });

  it('of a process that was killed is taken away, and none of one that lives', async () => {
    const [dead, alive] = [join(folder, 'dead'), join(folder, 'alive')];
    const pid = await startHolder(dead);
    await writeFile(join(dead, `claim.json.${pid}.new`), 'half');
    const release = await claimWork(alive);
    process.kill(pid, 'SIGKILL');
    await expect.poll(() => isAlive(processMark(pid))).toBe(false);
    for (const work of [dead, alive]) await dropDeadClaim(work);
    expect([dead, alive].map((work) => existsSync(work))).toEqual([false, true]);
    await release();
  });

  it('fails where its folder cannot be made, and does not try for ever', async () => {
    const dangling = join(folder, 'dangling');
    await symlink(join(folder, 'nowhere/at/all'), dangling);
    await expect(claimWork(join(dangling, 'key'))).rejects.toMatchObject({
      code: expect.stringMatching(/^E[A-Z]+$/),
    });
  });

  it('takes over from a process that is gone', async () => {
    const work = join(folder, 'gone');
    const pid = await startHolder(work);
    const mark = processMark(pid);
    process.kill(pid, 'SIGKILL');
    await expect.poll(() => isAlive(mark)).toBe(false);
    const release = await claimWork(work);
    expect(JSON.parse(await readFile(join(work, 'claim.json'), 'utf8')).pid).toBe(process.pid);
    await release();
  });

  it('takes over from a process whose number another has now', async () => {
    const work = join(folder, 'reused');
    await mkdir(work, { recursive: true });
    await writeFile(join(work, 'claim.json'), JSON.stringify({ pid: process.ppid, started: '1', parent: 1 }));
    await (await claimWork(work))();
    expect(isAlive(processMark(process.ppid))).toBe(true);
  });

  it('takes over a claim that cannot be read', async () => {
    const work = join(folder, 'damaged');
    await mkdir(work, { recursive: true });
    await writeFile(join(work, 'claim.json'), '');
    await (await claimWork(work))();
  });

  it('waits for one that lives, and is told to stop meanwhile', async () => {
    const work = join(folder, 'waiting');
    const pid = await startHolder(work);
    const waitedFor: number[] = [];
    const started = Date.now();
    await claimWork(work, { onWait: (each) => waitedFor.push(each), stopRequested: () => Date.now() - started > 300 });
    expect(waitedFor).toEqual([pid]);
    expect(Date.now() - started).toBeGreaterThan(250);
    process.kill(pid, 'SIGKILL');
  });

  it('lets one be that still has its parent, and goes on beside it', async () => {
    const work = join(folder, 'rightful');
    const pid = await startHolder(work);
    await claimWork(work, { orphanGraceMs: 100, waitMs: 400 });
    expect(isAlive(processMark(pid))).toBe(true);
    process.kill(pid, 'SIGKILL');
  });

  it('ends an orphan', async () => {
    const work = join(folder, 'orphan');
    const mark = processMark(await startHolder(work, true));
    const release = await claimWork(work, { orphanGraceMs: 300 });
    expect(isAlive(mark)).toBe(false);
    await release();
  }, 10_000);
});
