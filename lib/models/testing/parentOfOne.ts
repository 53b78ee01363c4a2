/** A parent for tests: starts the busy child whose program it is given, and says its number. */
import { runChild } from '../child/runChild.ts';

await runChild({
  entry: process.argv[2] as string,
  task: { kind: 'busy' },
  signal: new AbortController().signal,
  log: { info: () => {}, warn: () => {} },
  onSpawn: (pid) => process.stdout.write(String(pid)),
});
