/** How much memory a process on this machine may use, and how much of that is free. Read from Linux; elsewhere from Node. */
import { readFileSync } from 'node:fs';
import { freemem, totalmem } from 'node:os';
import { dirname } from 'node:path';

export interface MemoryAmount {
  readonly bytes: number;
  /** Where the number comes from, as it stands in a sentence. */
  readonly from: string;
}

/** @param root where /proc and /sys lie; for tests */
export function memoryLimit(root = ''): MemoryAmount {
  const groups = memoryGroups(root).map(({ limit }) => ({ bytes: limit, from: 'the limit of its control group' }));
  return smallest([{ bytes: meminfo('MemTotal', root) ?? totalmem(), from: "the machine's memory" }, ...groups]);
}

/**
 * What is free now, without what the kernel keeps of files and gives back when it is asked: `MemAvailable`, or less where a
 * control group has less left.
 */
export function availableMemory(root = ''): MemoryAmount {
  const groups = memoryGroups(root).map(({ limit, used }) => ({
    bytes: Math.max(0, limit - used),
    from: 'left in its control group',
  }));
  return smallest([{ bytes: meminfo('MemAvailable', root) ?? freemem(), from: 'free on this machine' }, ...groups]);
}

interface GroupMemory {
  /** Bytes. */
  readonly limit: number;
  /** Bytes, without inactive file pages. */
  readonly used: number;
}

/** Files of a control group, by version: https://docs.kernel.org/admin-guide/cgroup-v2.html, …/cgroup-v1/memory.html */
const versions = [
  {
    own: /^0::(.*)$/m,
    folder: '/sys/fs/cgroup',
    limit: 'memory.max',
    used: 'memory.current',
    inactive: /^inactive_file (\d+)$/m,
  },
  {
    own: /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(.*)$/m,
    folder: '/sys/fs/cgroup/memory',
    limit: 'memory.limit_in_bytes',
    used: 'memory.usage_in_bytes',
    inactive: /^total_inactive_file (\d+)$/m,
  },
] as const;

/** Version 1 writes the largest number of pages for "no limit". */
const unlimited = 2 ** 60;

/** The group of this process and those above it that have a limit. In a container its own group is mounted as the uppermost. */
function memoryGroups(root: string): GroupMemory[] {
  const membership = read(`${root}/proc/self/cgroup`) ?? '';
  return versions.flatMap(({ own, folder, limit, used, inactive }) => {
    const path = own.exec(membership)?.[1];
    if (path === undefined) return [];
    return ancestors(path).flatMap((group) => {
      const file = (name: string) => read(`${root}${folder}${group}/${name}`) ?? '';
      const most = Number.parseInt(file(limit), 10);
      if (!(most < unlimited)) return [];
      const reclaimable = Number(inactive.exec(file('memory.stat'))?.[1] ?? 0);
      return [{ limit: most, used: Math.max(0, (Number.parseInt(file(used), 10) || 0) - reclaimable) }];
    });
  });
}

/** `/a/b` gives `/a/b`, `/a` and the root, which is ``. */
function ancestors(path: string): string[] {
  const own = path === '/' ? '' : path;
  return own.startsWith('/') ? [own, ...ancestors(dirname(own))] : [''];
}

/** Bytes. */
function meminfo(name: string, root: string): number | undefined {
  const found = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(read(`${root}/proc/meminfo`) ?? '');
  return found ? Number(found[1]) * 1024 : undefined;
}

function smallest(amounts: readonly MemoryAmount[]): MemoryAmount {
  return amounts.reduce((least, amount) => (amount.bytes < least.bytes ? amount : least));
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
