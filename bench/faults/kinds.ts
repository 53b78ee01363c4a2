/** What is done to a run: every way that its processes, its server, its disks and its line may fail it. */
import { spawnSync } from 'node:child_process';
import { jumpingClock } from '../../test/harness/faults/clock.ts';
import { smallDisk } from '../../test/harness/faults/smallDisk.ts';

export const kinds = {
  'kill-worker': 'the worker is killed (SIGKILL), another one is started up to 5 s later',
  'kill-child': 'the process that trains is killed (SIGKILL)',
  'kill-server': 'Temporal is killed (SIGKILL) and started again on the same database',
  'kill-all': 'all three are killed at once',
  'end-worker': 'the worker is told to end (SIGTERM), and must within its limit; then another one is started',
  clock: "the worker's wall clock jumps by hours or days",
  'disk-full': "no room is left on the store's disk for some seconds",
  'out-of-memory': 'the process that trains gets no more memory as it loads TensorFlow',
  hang: 'the process that trains stops (SIGSTOP)',
  crash: 'the process that trains crashes in native code (SIGSEGV)',
  'store-away': "the store's folder is gone for some seconds",
  'cut-off': 'the worker is cut off from Temporal for longer than its heartbeat timeout, while another one is there',
} as const;

export type Kind = keyof typeof kinds;
export const kindNames = Object.keys(kinds) as readonly Kind[];

/** They are done to a training, so they wait until there is one. */
export const needsTraining: ReadonlySet<Kind> = new Set([
  'kill-child',
  'out-of-memory',
  'hang',
  'crash',
  'cut-off',
] as const);

/** Megabytes: a run's store with its image, twice. */
export const diskSize = 512;

/** Why a kind cannot be done on this machine, for those that cannot. */
export function impossibleKinds(): ReadonlyMap<Kind, string> {
  const impossible = new Map<Kind, string>();
  const clock = jumpingClock();
  if (typeof clock === 'string') impossible.set('clock', clock);
  else clock.remove();
  const disk = smallDisk(1);
  if (typeof disk === 'string') impossible.set('disk-full', disk);
  else disk.remove();
  if (spawnSync('prlimit', ['--version']).status !== 0) impossible.set('out-of-memory', 'no prlimit is here');
  return impossible;
}
