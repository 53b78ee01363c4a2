/** The official Python client of W&B, to read what is written here. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { JsonObject } from '../../../../contract/json.ts';
import { findProgram } from '../../../testing/localServer.ts';

/** `FURROW_TEST_WANDB`, as `npm test` sets it, else in the per-user cache. */
export const wandbProgram = findProgram('FURROW_TEST_WANDB', 'test-servers/wandb-0.31.0/bin/wandb');

/** What `leet inspect` prints of 100,000 rows is some 25 MB. */
const mostOutputBytes = 2 ** 28;

/**
 * Runs `wandb` with nothing of the person who tests: no key, no settings, no reports of errors.
 *
 * @returns what it printed
 */
export function wandb(args: readonly string[], variables: NodeJS.ProcessEnv = {}): Promise<string> {
  return runAlone(String(wandbProgram), args, variables);
}

/** Runs a program in Python that uses the client; `wandb.init()` writes below the folder. */
export function wandbPython(program: string, folder: string): Promise<string> {
  return runAlone(join(dirname(String(wandbProgram)), 'python'), ['-c', program], { WANDB_DIR: folder });
}

async function runAlone(program: string, args: readonly string[], variables: NodeJS.ProcessEnv): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'furrow-wandb-client-'));
  const others = Object.entries(process.env).filter(([name]) => !name.startsWith('WANDB_'));
  const env = {
    ...Object.fromEntries(others),
    ...{ WANDB_CONFIG_DIR: folder, WANDB_CACHE_DIR: folder, WANDB_DATA_DIR: folder, NETRC: join(folder, 'netrc') },
    WANDB_ERROR_REPORTING: 'false',
    ...variables,
  };
  try {
    return (await promisify(execFile)(program, args, { env, maxBuffer: mostOutputBytes })).stdout;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** A record, its fields of the same name as in wandb_internal.proto; the keys of nested items are joined by dots. */
export type InspectedRecord = { readonly num: number; readonly type: string } & Readonly<Record<string, JsonObject>>;

export async function inspectRecords(folder: string): Promise<InspectedRecord[]> {
  const lines = (await wandb(['leet', 'inspect', '--json', folder])).trim().split('\n');
  return lines.map((line) => JSON.parse(line));
}

/** State, exit code, config and summary, as the client shows them of a run. */
export async function inspectSummary(folder: string): Promise<JsonObject> {
  return JSON.parse(await wandb(['leet', 'inspect', '--summary', '--json', folder]));
}
