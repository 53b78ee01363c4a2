import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { batchWork } from './batchWork.ts';

const linux = existsSync('/proc/self/sched');

it.skipIf(!linux)('runs a command as batch work, under its own process id', () => {
  const [program, args] = batchWork('cat', ['/proc/self/sched']);
  // 3 is SCHED_BATCH.
  expect(execFileSync(program, args, { encoding: 'utf8' })).toMatch(/^policy\s*:\s*3$/m);
});
