import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { productRoot } from '../../lib/code/root.ts';
import { readUpState, type UpState } from '../../lib/home/home.ts';
import { keepLogs } from './logs.ts';
import { replayAll } from './replay.ts';

export interface Answer {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly process: ChildProcess;
  /** Waits until it has said this. */
  said(text: string): Promise<void>;
  readonly ended: Promise<Answer>;
}

export interface Project {
  readonly folder: string;
  write(name: string, text: string): void;
  /** `furrow …` as a person runs it here: the built program, in a process of its own. */
  furrow(...args: string[]): Promise<Answer>;
  start(...args: string[]): Started;
  /** What `--json` printed: fails unless it is exactly one JSON value. */
  json<T>(...args: string[]): Promise<T>;
  upState(): UpState;
  /** Replays every run, takes down what is up here, and removes the folder. */
  close(): Promise<void>;
}

/** As {@link TestFurrow.close} does: every run that the Temporal of this home knows is replayed. */
async function replayWhatIsUp(home: string): Promise<void> {
  const state = readUpState(home);
  if (state?.phase !== 'ready') return;
  keepLogs();
  const connection = await Connection.connect({ address: state.address });
  try {
    await replayAll(new Client({ connection }));
  } finally {
    await connection.close();
  }
}

/** An empty folder that stands for a user's project. `product` is the checkout whose command is used. */
export function project(product: string = productRoot, variables: NodeJS.ProcessEnv = {}): Project {
  const folder = mkdtempSync(join(tmpdir(), 'furrow-project-'));
  const env: NodeJS.ProcessEnv = { ...process.env, FURROW_HOME: join(folder, '.furrow') };
  for (const name of ['TEMPORAL_ADDRESS', 'TEMPORAL_PROFILE', 'TEMPORAL_CONFIG_FILE']) delete env[name];
  Object.assign(env, variables);

  const start = (...args: string[]): Started => {
    const child = spawn(process.execPath, [join(product, 'bin/furrow.js'), ...args], { cwd: folder, env });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const ended = new Promise<Answer>((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })));
    const said = async (text: string) => {
      for (let waited = 0; !stdout.includes(text); waited += 50) {
        if (child.exitCode !== null || waited > 30_000) throw new Error(`Not said: ${text}\n${stdout}\n${stderr}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    return { process: child, said, ended };
  };
  const furrow = (...args: string[]) => start(...args).ended;
  return {
    folder,
    write: (name, text) => writeFileSync(join(folder, name), text),
    furrow,
    start,
    async json<T>(...args: string[]) {
      const { stdout, stderr } = await furrow(...args, '--json');
      try {
        return JSON.parse(stdout) as T;
      } catch (cause) {
        throw new Error(`Expected one JSON value of furrow ${args.join(' ')}, got:\n${stdout}\n${stderr}`, { cause });
      }
    },
    upState: () => JSON.parse(readFileSync(join(folder, '.furrow/up.json'), 'utf8')),
    async close() {
      await replayWhatIsUp(join(folder, '.furrow'));
      await furrow('down');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
