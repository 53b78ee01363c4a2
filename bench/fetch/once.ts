/**
 * One fetch in a process of its own: `once.js FOLDER SOURCE [OTHER]`. Resolves the source and fetches it into the store in FOLDER,
 * as the stage does on a worker; prints what it took as JSON. With OTHER it fetches that first, as a worker has that runs for a while.
 */
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

const [folder = '', source = '', other] = process.argv.slice(2);
const bench = await openWorkbench(folder);
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
