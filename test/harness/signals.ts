import type { TestContext } from 'vitest';

/** For tests that ask a process by a signal to end, or look at what one leaves behind. */
export function needsSignals({ skip }: TestContext): void {
  skip(process.platform === 'win32', 'Windows has no signal that a process could answer');
}
