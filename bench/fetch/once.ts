/**
 * One fetch in a process of its own: `once.js FOLDER SOURCE [--other SOURCE] [--store URI]`. Resolves the source and fetches it into
 * the store, that in FOLDER unless named, as the stage does on a worker; prints what it took as JSON. `--other` is fetched first, as a
 * worker has that runs for a while.
 */
import { parseArgs } from 'node:util';
import fetchData from '../../activities/fetchData.ts';
import { openWorkbench } from '../../lib/data/testing.ts';

export interface FetchedOnce {
  readonly resolveMs: number;
  readonly fetchMs: number;
  readonly bytes: number;
  readonly fetchedBytes: number;
  /** Resident memory of the process at its most, in bytes. */
  readonly peakBytes: number;
}

const { positionals, values } = parseArgs({
  options: { other: { type: 'string' }, store: { type: 'string' } },
  allowPositionals: true,
});
const [folder = '', source = ''] = positionals;
const { other, store } = values;
const bench = await openWorkbench(folder, store);
if (other !== undefined) await bench.run(fetchData, { params: { source: other } });
const started = performance.now();
let resolved = started;
const { outcome } = await bench.run(fetchData, {
  params: { source },
  afterResolve: async () => {
    resolved = performance.now();
  },
});
const { bytes = 0, fetchedBytes = 0 } = outcome.facts as Partial<FetchedOnce>;
const once: FetchedOnce = {
  resolveMs: resolved - started,
  fetchMs: performance.now() - resolved,
  bytes,
  fetchedBytes,
  peakBytes: process.resourceUsage().maxRSS * 1024,
};
process.stdout.write(`${JSON.stringify(once)}\n`);
// The client's connections would keep it.
process.exit();
