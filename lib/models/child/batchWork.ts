import { spawnSync } from 'node:child_process';

const chrt = ['chrt', '--batch', '0'] as const;

/**
 * The command that runs another one under Linux's policy for batch work, in the same process; the other one as it is where there
 * is no `chrt`.
 *
 * TensorFlow wakes a thread for every operation that it shares out. Under the usual policy the woken thread pushes the one that
 * woke it off its core, and small operations take three times as long: `vit` trains a tenth faster as batch work.
 *
 * https://man7.org/linux/man-pages/man7/sched.7.html (SCHED_BATCH)
 */
export function batchWork(
  command: string,
  args: readonly string[],
  allowed = isAllowed(),
): [command: string, args: string[]] {
  const [program, ...policy] = chrt;
  return allowed ? [program, [...policy, command, ...args]] : [command, [...args]];
}

let known: boolean | undefined;

/** Whether there is a `chrt` and this process may set the policy: busybox has none of these options, a container may forbid it. */
export function isAllowed(): boolean {
  const [program, ...policy] = chrt;
  known ??= spawnSync(program, [...policy, 'true']).status === 0;
  return known;
}
