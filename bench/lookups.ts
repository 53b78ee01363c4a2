/**
 * What a look-up costs in a store of ten finished results and in one of ten thousand, side by side, in a folder. In a bucket it is
 * a fixed number of requests, and what they cost is the server's affair.
 * `npm run bench:lookups [-- --rounds N] [--json]`
 */
import { createHash, randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import type { Digest, FinishedStage } from '../contract/artifact.ts';
import { forEachBounded } from '../lib/parallel/bounded.ts';
import { stageArtifact } from '../lib/store/artifacts.ts';
import { commitManifest, lookUp } from '../lib/store/manifests.ts';
import { openStore, type Store } from '../lib/store/store.ts';
import { median } from './statistics.ts';
import { printTable } from './table.ts';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '1000' }, json: { type: 'boolean', default: false } },
});
const rounds = Number(values.rounds);
const few = 10;
const many = 10_000;

interface Row {
  /** Milliseconds, medians: of a result that is there, with its file, and of one that is not. */
  readonly hit: Readonly<Record<number, number>>;
  readonly miss: Readonly<Record<number, number>>;
}

const folder = mkdtempSync(join(tmpdir(), 'furrow-bench-'));
try {
  const row = await measure();
  if (values.json) process.stdout.write(`${JSON.stringify(row, null, 2)}\n`);
  else print(row);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function measure(): Promise<Row> {
  const stores = new Map<number, Store>();
  for (const count of [few, many])
    stores.set(count, await filled(pathToFileURL(join(folder, String(count))).href, count));
  const times: Record<'hit' | 'miss', Record<number, number[]>> = {
    hit: { [few]: [], [many]: [] },
    miss: { [few]: [], [many]: [] },
  };
  for (let round = 0; round < rounds; round++) {
    for (const [count, store] of stores) {
      times.hit[count]?.push(await timed(() => lookUp(store, keyOf(randomInt(count)))));
      times.miss[count]?.push(await timed(() => lookUp(store, keyOf(-1 - round))));
    }
  }
  const medians = (all: Record<number, number[]>) =>
    Object.fromEntries(Object.entries(all).map(([count, each]) => [count, median(each)]));
  return { hit: medians(times.hit), miss: medians(times.miss) };
}

/** A store with so many finished results, each with one small file of its own. */
async function filled(uri: string, count: number): Promise<Store> {
  const store = await openStore(uri, { create: true });
  await forEachBounded(
    Array.from({ length: count }, (_, index) => index),
    16,
    async (index) => {
      const output = stageArtifact(store, 'token');
      await output.add('file', `result ${index}`);
      const { ref, attachments } = await output.seal();
      const finished = { key: keyOf(index), artifact: ref, attachments, metrics: {}, facts: {}, provenance: {} };
      await commitManifest(store, finished as unknown as FinishedStage, undefined);
    },
  );
  return store;
}

function keyOf(index: number): Digest {
  return `sha256:${createHash('sha256').update(`key ${index}`).digest('hex')}`;
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await act();
  return performance.now() - started;
}

function print({ hit, miss }: Row): void {
  const line = (what: string, times: Readonly<Record<number, number>>) => {
    const [small = 0, large = 0] = [times[few], times[many]];
    return [what, small.toFixed(3), large.toFixed(3), (large / small).toFixed(2)];
  };
  printTable([
    ['look-up', `ms, ${few} results`, `ms, ${many} results`, 'ratio'],
    line('found', hit),
    line('not there', miss),
  ]);
}
