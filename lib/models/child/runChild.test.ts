import { beforeAll, describe, expect, it } from 'vitest';
import { buildProgram } from '../testing/buildProgram.ts';
import type { ProbeTask } from '../testing/obedientChild.ts';
import { childEnvironment } from './environment.ts';
import { isAlive, type ProcessMark, processMark } from './processMark.ts';
import { type ChildRun, runChild } from './runChild.ts';

let entry: string;
beforeAll(async () => {
  entry = await buildProgram('lib/models/testing/obedientChild.ts');
});

const warnings: string[] = [];
const log: ChildRun['log'] = {
  info: () => {},
  warn: (message, fields) => void warnings.push(`${message} ${JSON.stringify(fields)}`),
};

function run(task: ProbeTask, options: Partial<ChildRun> = {}): Promise<unknown> {
  return runChild({ entry, task, signal: new AbortController().signal, log, ...options });
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('runChild', () => {
  it('gives the result', async () => {
    expect(await run({ kind: 'echo', value: { a: [1] } })).toEqual({ a: [1] });
  });

  it('passes progress on while the task runs', async () => {
    const seen: string[] = [];
    await run({ kind: 'progress' }, { onProgress: ({ doing }) => seen.push(doing) });
    expect(seen).toEqual(['first', 'second']);
  });

  it('lets the child wait until its checkpoint is stored', async () => {
    let stored = false;
    const result = await run(
      { kind: 'checkpoint' },
      {
        onCheckpoint: async () => {
          await new Promise((resolve) => setTimeout(resolve, 100));
          stored = true;
        },
      },
    );
    expect(result).toEqual({ stored: true });
    expect(stored).toBe(true);
  });

  it('goes on when a checkpoint could not be stored, and says so to the child and in the log', async () => {
    const failing = async () => {
      throw new Error('no store');
    };
    expect(await run({ kind: 'checkpoint' }, { onCheckpoint: failing })).toEqual({ stored: false });
    expect(warnings.at(-1)).toContain('no store');
  });

  it("throws the child's own failure with its code", async () => {
    await expect(run({ kind: 'fail' })).rejects.toMatchObject({
      code: 'TRAINING_DIVERGED',
      message: 'as it does',
      details: { step: 3 },
    });
  });

  it("says in the worker's log where a fault in the child is, and in the failure only what it is", async () => {
    warnings.length = 0;
    const failure = await run({ kind: 'fault' }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'INTERNAL', message: 'x is not iterable', details: {} });
    expect(failure).not.toHaveProperty('cause');
    expect(warnings).toEqual([expect.stringMatching(/x is not iterable .*at faultyStep/)]);
    expect(warnings[0]?.length).toBeLessThan(2_500);
  });

  it('calls an exit without a word a crash, and shows the last lines', async () => {
    await expect(run({ kind: 'crash' })).rejects.toMatchObject({
      code: 'CHILD_CRASHED',
      message: expect.stringMatching(/exit code 7[\s\S]*the last line/),
    });
  });

  it('calls a kill from outside a crash, not a lack of memory', async () => {
    const killed = run({ kind: 'sleep' }, { onSpawn: (pid) => process.kill(pid, 'SIGKILL') });
    await expect(killed).rejects.toMatchObject({ code: 'CHILD_CRASHED', message: expect.stringContaining('SIGKILL') });
  });

  it.skipIf(process.platform === 'win32').each(['SIGSEGV', 'SIGABRT', 'SIGILL'] as const)(
    'calls a fault in native code a crash: %s',
    async (signal) => {
      const crashed = run({ kind: 'sleep' }, { onSpawn: (pid) => process.kill(pid, signal) });
      await expect(crashed).rejects.toMatchObject({ code: 'CHILD_CRASHED', message: expect.stringContaining(signal) });
    },
  );

  it.skipIf(process.platform === 'win32').each([
    ['that waits for something', () => {}],
    ['that was stopped', (pid: number) => process.kill(pid, 'SIGSTOP')],
  ])('kills a child %s and makes no progress', async (_, onSpawn) => {
    let child = 0;
    const hanging = run(
      { kind: 'sleep' },
      {
        stallMs: 300,
        onSpawn: (pid) => {
          child = pid;
          onSpawn(pid);
        },
      },
    );
    await expect(hanging).rejects.toMatchObject({
      code: 'CHILD_STALLED',
      message: expect.stringContaining('no progress for 0.3 s'),
    });
    expect(isRunning(child)).toBe(false);
  });

  it('does not hold a slow store against the child', async () => {
    const slowly = () => new Promise<void>((resolve) => setTimeout(resolve, 900));
    expect(await run({ kind: 'checkpoint' }, { stallMs: 500, onCheckpoint: slowly })).toEqual({ stored: true });
  });

  it('calls a failed allocation a lack of memory', async () => {
    await expect(run({ kind: 'allocate' })).rejects.toMatchObject({ code: 'CHILD_OUT_OF_MEMORY' });
  });

  it.each([
    'OOM when allocating tensor with shape[64,1024,1024]',
    'Invalid TF_Status: 8\nMessage: RESOURCE_EXHAUSTED: failed to allocate memory',
    'std::bad_alloc',
    'Array buffer allocation failed',
    'mmap: Cannot allocate memory',
    'Fatal javascript OOM in Committing semi space failed.',
    'libtensorflow_cc.so.2: failed to map segment from shared object',
  ])('calls it a lack of memory when the child fails by: %s', async (message) => {
    await expect(run({ kind: 'throw', message })).rejects.toMatchObject({ code: 'CHILD_OUT_OF_MEMORY' });
  });

  it.skipIf(process.platform !== 'linux')('calls a full disk so, not a fault', async () => {
    warnings.length = 0;
    // Every write to this device fails as on a full disk.
    await expect(run({ kind: 'write', file: '/dev/full' })).rejects.toMatchObject({
      code: 'STORE_FULL',
      message: expect.stringContaining('no space left on device'),
    });
    expect(warnings).toEqual([]);
  });

  it('asks the child to stop when the signal is aborted, and throws the reason', async () => {
    const controller = new AbortController();
    let pid = 0;
    const running = run(
      { kind: 'sleep' },
      {
        signal: controller.signal,
        onSpawn: (spawned) => {
          pid = spawned;
          controller.abort('enough');
        },
      },
    );
    await expect(running).rejects.toBe('enough');
    expect(isRunning(pid)).toBe(false);
  });

  it('kills a child that does not stop', async () => {
    const controller = new AbortController();
    let pid = 0;
    const running = run(
      { kind: 'busy' },
      {
        signal: controller.signal,
        stopGraceMs: 200,
        onSpawn: (spawned) => {
          pid = spawned;
          setTimeout(() => controller.abort('enough'), 50);
        },
      },
    );
    await expect(running).rejects.toBe('enough');
    expect(isRunning(pid)).toBe(false);
  });

  it('does not start when it is aborted already', async () => {
    await expect(run({ kind: 'sleep' }, { signal: AbortSignal.abort('too late') })).rejects.toBe('too late');
  });

  it('gives the child no secrets', async () => {
    process.env.WANDB_API_KEY = 'secret';
    process.env.TF_TEST_SETTING = 'kept';
    const env = (await run({ kind: 'environment' })) as Record<string, string>;
    delete process.env.WANDB_API_KEY;
    delete process.env.TF_TEST_SETTING;
    expect(env.WANDB_API_KEY).toBeUndefined();
    expect(env.TF_TEST_SETTING).toBe('kept');
    expect(Number(env.TF_NUM_INTRAOP_THREADS)).toBeGreaterThan(0);
  });
});

describe('a child whose parent is killed', () => {
  it('ends, though it was busy', async () => {
    const parent = await buildProgram('lib/models/testing/parentOfOne.ts');
    const { execFile } = await import('node:child_process');
    const mark = await new Promise<ProcessMark>((resolve, reject) => {
      const started = execFile(process.execPath, [parent, entry], (error) => {
        if (error && error.signal !== 'SIGKILL') reject(error);
      });
      started.stdout?.once('data', (chunk: Buffer) => {
        const child = processMark(Number(chunk.toString()));
        started.kill('SIGKILL');
        resolve(child);
      });
    });
    expect(mark.pid).toBeGreaterThan(0);
    await expect.poll(() => isAlive(mark), { timeout: 3000 }).toBe(false);
  });
});

describe('childEnvironment', () => {
  it('drops what looks like a secret even under a name that is passed', () => {
    expect(
      childEnvironment({ PATH: '/bin', TF_API_KEY: 'x', GOOGLE_APPLICATION_CREDENTIALS: 'y', NODE_OPTIONS: '-r z' }),
    ).toEqual({
      PATH: '/bin',
      TF_NUM_INTRAOP_THREADS: expect.any(String),
    });
  });
});
