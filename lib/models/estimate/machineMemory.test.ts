import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../testing/temporaryFolder.ts';
import { availableMemory, memoryLimit } from './machineMemory.ts';

const gib = 2 ** 30;
const folder = temporaryFolder();
let machines = 0;

function machine(files: Readonly<Record<string, string>>): string {
  const root = join(folder, String(machines++));
  const all = {
    'proc/meminfo': `MemTotal: ${24 * 2 ** 20} kB\nMemFree: 1000 kB\nMemAvailable: ${20 * 2 ** 20} kB\n`,
    ...files,
  };
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

it("is the machine's memory where no control group limits it", () => {
  const root = machine({ 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/memory.max': 'max\n' });
  expect(memoryLimit(root)).toEqual({ bytes: 24 * gib, from: "the machine's memory" });
  expect(availableMemory(root)).toEqual({ bytes: 20 * gib, from: 'free on this machine' });
});

it('is what a group above this one leaves, without the file pages that the kernel gives back (version 2)', () => {
  const root = machine({
    'proc/self/cgroup': '0::/pod/worker\n',
    'sys/fs/cgroup/pod/worker/memory.max': 'max\n',
    'sys/fs/cgroup/pod/memory.max': `${4 * gib}\n`,
    'sys/fs/cgroup/pod/memory.current': `${3 * gib}\n`,
    'sys/fs/cgroup/pod/memory.stat': `anon 5\ninactive_file ${2 * gib}\n`,
  });
  expect(memoryLimit(root)).toEqual({ bytes: 4 * gib, from: 'the limit of its control group' });
  expect(availableMemory(root)).toEqual({ bytes: 3 * gib, from: 'left in its control group' });
});

it("is the container's own group, mounted as the uppermost, where its path is the host's", () => {
  const root = machine({
    'proc/self/cgroup': '0::/docker/4f5e\n',
    'sys/fs/cgroup/memory.max': `${8 * gib}\n`,
    'sys/fs/cgroup/memory.current': `${gib}\n`,
  });
  expect(memoryLimit(root).bytes).toBe(8 * gib);
  expect(availableMemory(root).bytes).toBe(7 * gib);
});

it('reads groups of version 1, whose "no limit" is a large number', () => {
  const files = (limit: string) => ({
    'proc/self/cgroup': '9:cpu:/other\n4:memory:/job\n0::/\n',
    'sys/fs/cgroup/memory/job/memory.limit_in_bytes': `${limit}\n`,
    'sys/fs/cgroup/memory/job/memory.usage_in_bytes': `${gib}\n`,
    'sys/fs/cgroup/memory/job/memory.stat': 'inactive_file 7\ntotal_inactive_file 0\n',
  });
  expect(availableMemory(machine(files(String(2 * gib)))).bytes).toBe(gib);
  expect(availableMemory(machine(files('9223372036854771712'))).bytes).toBe(20 * gib);
});

it('is never below 0, and never more than the machine has free', () => {
  const over = machine({
    'proc/self/cgroup': '0::/\n',
    'sys/fs/cgroup/memory.max': `${gib}\n`,
    'sys/fs/cgroup/memory.current': `${2 * gib}\n`,
  });
  expect(availableMemory(over).bytes).toBe(0);
  const wide = machine({ 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/memory.max': `${64 * gib}\n` });
  expect(memoryLimit(wide).bytes).toBe(24 * gib);
});

it('is told by Node where there is no /proc', () => {
  expect(memoryLimit(join(folder, 'none')).bytes).toBeGreaterThan(2 ** 28);
});
