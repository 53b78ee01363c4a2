/** A process for tests that claims work and keeps it; with a second argument it is started by a parent that then ends. */
import { spawn } from 'node:child_process';
import { claimWork } from '../child/workClaim.ts';

const [, program, work, orphaned] = process.argv as [string, string, string, string?];
if (orphaned) {
  spawn(process.execPath, [program, work], { stdio: 'ignore', detached: true }).unref();
  // The child must have noted its parent before that is gone.
  setTimeout(() => process.exit(0), 1000);
} else {
  await claimWork(work);
  setTimeout(() => {}, 60_000);
}
