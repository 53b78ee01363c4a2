/** A parent for tests: goes into the control group whose cgroup.procs it is given, starts the hungry child, says how that ended. */
import { writeFileSync } from 'node:fs';
import { runChild } from '../child/runChild.ts';

const [, , hungry, procs] = process.argv as [string, string, string, string];
writeFileSync(procs, String(process.pid));
const failure = await runChild({
  entry: hungry,
  task: { kind: 'buffers' },
  signal: new AbortController().signal,
  log: { info: () => {}, warn: () => {} },
  lower: '`batchSize` from 16 to 8',
}).catch((error: unknown) => error);
process.stdout.write(JSON.stringify({ ...(failure as object), message: String((failure as Error).message) }));
