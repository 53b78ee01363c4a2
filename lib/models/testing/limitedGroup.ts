/** A control group with a memory limit, for tests, where this machine lets us make one. */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as setTimeoutPromise } from 'node:timers/promises';

export interface LimitedGroup {
  /** A process that writes its number here is in it, and so are its children. */
  readonly procs: string;
  remove(): Promise<void>;
}

/** Below the group that this process is in. Text: why there can be none. */
export function limitedGroup(bytes: number): LimitedGroup | string {
  if (process.platform !== 'linux') return 'control groups are of Linux';
  const membership = readFileSync('/proc/self/cgroup', 'utf8');
  const reasons: string[] = [];
  for (const { own, root, file } of [
    { own: /^\d+:memory:(.*)$/m, root: '/sys/fs/cgroup/memory', file: 'memory.limit_in_bytes' },
    { own: /^0::(.*)$/m, root: '/sys/fs/cgroup', file: 'memory.max' },
  ]) {
    const path = own.exec(membership)?.[1];
    if (path === undefined) continue;
    const group = join(root, path, `furrow-test-${process.pid}`);
    try {
      mkdirSync(group);
      if (!existsSync(join(group, file))) throw new Error(`${group} has no ${file}`);
      writeFileSync(join(group, file), String(bytes));
      return { procs: join(group, 'cgroup.procs'), remove: () => remove(group) };
    } catch (error) {
      reasons.push((error as Error).message);
      if (existsSync(group)) rmdirSync(group);
    }
  }
  return `no control group can be made here: ${reasons.join('; ') || 'this process is in none'}`;
}

/** The kernel takes a moment to notice that the last process is gone. */
async function remove(group: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      return rmdirSync(group);
    } catch (error) {
      if (tries === 50) throw error;
      await setTimeoutPromise(100);
    }
  }
}
