import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildProgram } from '../testing/buildProgram.ts';
import type { HungryTask } from '../testing/hungryChild.ts';
import { limitedGroup } from '../testing/limitedGroup.ts';
import { type Death, lackOfMemory, outOfMemory, processMemory, watchMemory } from './memory.ts';
import { type ChildRun, runChild } from './runChild.ts';

const mib = 2 ** 20;
const log: ChildRun['log'] = { info: () => {}, warn: () => {} };

let hungry: string;
beforeAll(async () => {
  hungry = await buildProgram('lib/models/testing/hungryChild.ts');
});

function run(task: HungryTask, options: Partial<ChildRun> = {}): Promise<unknown> {
  return runChild({ entry: hungry, task, signal: new AbortController().signal, log, ...options });
}

const unlimited = { last: undefined, mostAddresses: undefined };
const death: Death = { signal: null, stderr: '', killed: false, oom: false, memory: unlimited };

describe('lackOfMemory', () => {
  it('is what ended a child that was killed while the kernel killed for memory', () => {
    expect(lackOfMemory({ ...death, signal: 'SIGKILL', oom: true })).toBe('the kernel killed it');
  });

  it('is not what ended a child that was killed by hand, or by us', () => {
    expect(lackOfMemory({ ...death, signal: 'SIGKILL' })).toBeUndefined();
    expect(lackOfMemory({ ...death, signal: 'SIGKILL', oom: true, killed: true })).toBeUndefined();
  });

  it.each([
    'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory',
    "terminate called after throwing an instance of 'std::bad_alloc'",
    'tensorflow/core/framework/op_kernel.cc:1828] OP_REQUIRES failed: RESOURCE_EXHAUSTED: OOM when allocating tensor',
  ])('is what ended a child that said: %s', (line) => {
    expect(lackOfMemory({ ...death, signal: 'SIGABRT', stderr: `first\n${line}\nlast\n` })).toBe(line);
  });

  it('is what ended native code with next to no address left, and not otherwise', () => {
    const last = { resident: 900 * mib, peak: 900 * mib, addresses: 2800 * mib };
    const fault = (mostAddresses: number | undefined) =>
      lackOfMemory({ ...death, signal: 'SIGSEGV', memory: { last, mostAddresses } });
    expect(fault(3000 * mib)).toMatch(/SIGSEGV with next to no address left/);
    expect(fault(9000 * mib)).toBeUndefined();
    expect(fault(undefined)).toBeUndefined();
  });
});

describe('outOfMemory', () => {
  it('says what it had, what it may have, from where, and what to lower', () => {
    const memory = {
      last: { resident: 1000 * mib, peak: 1228.8 * mib, addresses: 2000 * mib },
      mostAddresses: 2048 * mib,
    };
    const { message } = outOfMemory('the kernel killed it', { memory, lower: '`batchSize` from 16 to 8' });
    expect(message).toBe(
      'The child process ran out of memory: the kernel killed it. It had reached 1.2 GiB, and may use 2.0 GiB (`ulimit -v`). Lower `batchSize` from 16 to 8; `furrow doctor CONFIG` tells what fits',
    );
  });

  it("leaves of TensorFlow's words what a person can use", () => {
    const said =
      'Invalid TF_Status: 8\nMessage: OOM when allocating tensor with shape[64,1024,1024] and type float on /job:localhost/replica:0/task:0/device:CPU:0 by allocator mklcpu';
    expect(outOfMemory(said, { memory: unlimited }).message).toContain(
      'out of memory: OOM when allocating tensor with shape[64,1024,1024] and type float by allocator mklcpu. It may use',
    );
  });
});

describe.skipIf(process.platform !== 'linux')('a child that takes more memory than it may', () => {
  it('is killed by the kernel at the limit of its control group, and says so with what it had', async (test) => {
    const group = limitedGroup(300 * mib);
    if (typeof group === 'string') return test.skip(group);
    try {
      const parent = await buildProgram('lib/models/testing/parentInGroup.ts');
      const { stdout } = await promisify(execFile)(process.execPath, [parent, hungry, group.procs]);
      const { code, message, details } = JSON.parse(stdout);
      expect(message).toMatch(
        /the kernel killed it\. It had reached \d+ MiB, and may use 300 MiB \(the limit of its control group\)\. Lower `batchSize` from 16 to 8/,
      );
      expect(code).toBe('CHILD_OUT_OF_MEMORY');
      expect(details).toMatchObject({ signal: 'SIGKILL', limitBytes: 300 * mib });
      expect(details.reachedBytes).toBeGreaterThan(150 * mib);
      // Above the limit by the pages that it shares with others: the program's own.
      expect(details.reachedBytes).toBeLessThan(400 * mib);
    } finally {
      await group.remove();
    }
  });

  it('gets no more from a limited address space: however TensorFlow takes that, it is a lack of memory', async () => {
    const bytes = 3500 * mib;
    const limited = run(
      { kind: 'tensors' },
      {
        lower: '`filters`',
        onSpawn: (pid) => execFileSync('prlimit', ['--pid', String(pid), `--as=${bytes}`]),
      },
    );
    await expect(limited).rejects.toMatchObject({
      code: 'CHILD_OUT_OF_MEMORY',
      message: expect.stringMatching(/It had reached \S+ .iB, and may use 3\.4 GiB \(`ulimit -v`\)\. Lower `filters`/),
    });
  });

  it.each(['SIGKILL', 'SIGSEGV', 'SIGABRT'] as const)('is not what a %s from outside is taken for', async (signal) => {
    const killed = run({ kind: 'buffers' }, { onSpawn: (pid) => setTimeout(() => process.kill(pid, signal), 400) });
    await expect(killed).rejects.toMatchObject({ code: 'CHILD_CRASHED', details: { signal } });
  });
});

describe.skipIf(process.platform !== 'linux')('watchMemory', () => {
  it('sees a process grow, and keeps the last that it saw of one that is gone', async () => {
    const seen: number[] = [];
    let watched: ReturnType<typeof watchMemory> | undefined;
    let pid = 0;
    const running = run(
      { kind: 'buffers' },
      {
        onSpawn: (spawned) => {
          pid = spawned;
          watched = watchMemory(spawned, ({ resident }) => {
            seen.push(resident);
            if (seen.length === 5) process.kill(spawned, 'SIGKILL');
          });
        },
      },
    );
    await expect(running).rejects.toThrow();
    watched?.stop();
    expect(processMemory(pid)).toBeUndefined();
    expect(seen.at(-1)).toBeGreaterThan((seen[0] as number) + 8 * mib);
    expect(watched?.last?.resident).toBe(seen.at(-1));
  });

  it('sees what this process has', () => {
    const { resident = 0, peak = 0, addresses = 0 } = processMemory('self') ?? {};
    expect(resident).toBeGreaterThan(20 * mib);
    expect(peak).toBeGreaterThanOrEqual(resident);
    expect(addresses).toBeGreaterThan(peak);
  });
});
