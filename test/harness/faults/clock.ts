import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { productRoot } from '../../../lib/code/root.ts';

/** A wall clock that jumps, for the processes that are started with its environment. */
export interface JumpingClock {
  readonly env: Readonly<Record<string, string>>;
  /** @param seconds from the true time on: forward, or backward when negative */
  jump(seconds: number): void;
  remove(): void;
}

/** Text: why there can be none. All of such a process sees it: JavaScript, and Temporal's native core. */
export function jumpingClock(): JumpingClock | string {
  if (process.platform !== 'linux') return 'preloaded libraries are tried on Linux alone';
  const folder = mkdtempSync(join(tmpdir(), 'furrow-clock-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const library = join(folder, 'clock.so');
  const source = join(productRoot, 'test/harness/faults/clock.c');
  const built = spawnSync('cc', ['-shared', '-fPIC', '-O1', '-o', library, source, '-ldl'], { encoding: 'utf8' });
  if (built.status !== 0) {
    remove();
    return `no C compiler builds the clock: ${built.stderr?.trim() || built.error?.message}`;
  }
  const file = join(folder, 'seconds');
  writeFileSync(file, '0');
  return {
    env: { LD_PRELOAD: library, FURROW_TEST_CLOCK: file },
    jump: (seconds) => writeFileSync(file, String(seconds)),
    remove,
  };
}
