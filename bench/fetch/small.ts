/** Many small objects, beside `dvc pull` of the very same ones; and once more with nothing new. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { inFolder } from '../../lib/data/source/dvc/testing.ts';
import { type GcsServer, startGcsServer } from '../../lib/gcs/testing/startGcsServer.ts';
import { ratioByRounds, type Spread, spread } from '../statistics.ts';
import type { FetchedOnce } from './once.ts';

const run = promisify(execFile);
const program = join(import.meta.dirname, 'once.js');

export const objects = 1000;
/** Bytes: a band of a plot, compressed. */
export const objectBytes = 40_000;
const promisedRatio = 5;
/** Milliseconds. */
const promisedAgain = 1000;

export interface SmallRow {
  readonly by: string;
  /** Milliseconds. */
  readonly ms: Spread;
  readonly megabytesASecond: number;
  /** How many times as fast as `dvc pull`. */
  readonly ratio?: Spread;
  readonly limit?: string;
  readonly overLimit?: boolean;
}

export async function compareSmall(folder: string, rounds: number): Promise<SmallRow[]> {
  const { server, end } = await startGcsServer();
  try {
    const repository = join(folder, 'repository');
    const dvc = await push(repository, server);
    const env = { ...process.env, FURROW_GCS_ENDPOINT: server.endpoint };
    const fresh = () => mkdtemp(join(folder, 'ours-'));
    const asProcess = async (source: string) => {
      const { ms, fetchedBytes } = await timeFetch(await fresh(), [source], env);
      if (fetchedBytes !== objects * objectBytes) throw new Error(`Fetched ${fetchedBytes} bytes of ${source}`);
      return ms;
    };
    const inWorker = async (source: string, other: string) => {
      const { resolveMs, fetchMs } = await timeFetch(await fresh(), [source, '--other', other], env);
      return resolveMs + fetchMs;
    };
    const ways = {
      dvc: async () => {
        for (const old of ['.dvc/cache', 'plots']) await rm(join(repository, old), { recursive: true, force: true });
        return time(async () => void dvc('dvc', 'pull', '-q'));
      },
      'dvc: process': () => asProcess(`dvc:${repository}/plots.dvc`),
      'gs:// process': () => asProcess('gs://bench/plots'),
      'dvc: worker': () => inWorker(`dvc:${repository}/plots.dvc`, 'gs://bench/other'),
      'gs:// worker': () => inWorker('gs://bench/plots', 'gs://bench/other'),
      again: async () => (await timeFetch(join(folder, 'again'), ['gs://bench/plots'], env)).ms,
    };
    await mkdir(join(folder, 'again'));
    await ways.again();
    const names = Object.keys(ways) as (keyof typeof ways)[];
    const ms = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<keyof typeof ways, number[]>;
    // Turn by turn, as others use the machine, too; the first turn brings all programs into memory.
    for (let round = 0; round <= rounds; round++)
      for (const name of names) {
        const took = await ways[name]();
        if (round > 0) ms[name].push(took);
      }
    const row = (by: string, name: keyof typeof ways): SmallRow => ({
      by,
      ms: spread(ms[name]),
      megabytesASecond: (objects * objectBytes) / 1000 / spread(ms[name]).median,
    });
    const ratio = (name: keyof typeof ways) => ({
      ratio: ratioByRounds(
        ms[name].map((each) => [each]),
        ms.dvc.map((each) => [each]),
      ),
    });
    const promised = (name: keyof typeof ways) => {
      const toDvc = ratio(name);
      return { ...toDvc, limit: `${promisedRatio} x`, overLimit: toDvc.ratio.median < promisedRatio };
    };
    return [
      row('dvc pull', 'dvc'),
      { ...row('fetchData dvc:, in a running worker', 'dvc: worker'), ...promised('dvc: worker') },
      { ...row('fetchData gs://, in a running worker', 'gs:// worker'), ...promised('gs:// worker') },
      { ...row('fetchData dvc:, a process from its start', 'dvc: process'), ...ratio('dvc: process') },
      { ...row('fetchData gs://, a process from its start', 'gs:// process'), ...ratio('gs:// process') },
      {
        ...row('the same with nothing new', 'again'),
        limit: `${promisedAgain} ms`,
        overLimit: spread(ms.again).median > promisedAgain,
      },
    ];
  } finally {
    await end('SIGKILL');
  }
}

/** Puts the files below gs://bench/plots by name, and by md5 where DVC keeps them. */
async function push(repository: string, server: GcsServer): Promise<ReturnType<typeof inFolder>> {
  const [bucket] = await server.client.createBucket('bench');
  await mkdir(join(repository, 'plots'), { recursive: true });
  for (let index = 0; index < objects; index++) {
    const content = randomBytes(objectBytes);
    await writeFile(join(repository, 'plots', `${index}.tif`), content);
    await bucket.file(`plots/${index}.tif`).save(content, { resumable: false });
    await bucket.file(`other/${index}.tif`).save(randomBytes(objectBytes), { resumable: false });
  }
  const dvc = inFolder(repository);
  dvc('git', 'init', '-q');
  dvc('dvc', 'init', '-q');
  dvc('dvc', 'remote', 'add', '-q', '-d', 'cloud', 'gs://bench/dvc');
  for (const [option, value] of [
    ['endpointurl', server.endpoint],
    ['allow_anonymous_login', 'true'],
    ['projectname', 'test'],
  ] as const)
    dvc('dvc', 'remote', 'modify', '--local', 'cloud', option, value);
  dvc('dvc', 'add', '-q', 'plots');
  dvc('dvc', 'push', '-q');
  return dvc;
}

/** A fetch as a process of its own; `ms` from its start to its end. */
export async function timeFetch(
  folder: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<FetchedOnce & { ms: number }> {
  const started = performance.now();
  const { stdout } = await run(process.execPath, [program, folder, ...args], { env });
  return { ...(JSON.parse(stdout) as FetchedOnce), ms: performance.now() - started };
}

async function time(act: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await act();
  return performance.now() - started;
}
