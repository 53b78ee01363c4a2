import { readFileSync } from 'node:fs';

/**
 * How often the kernel has killed a process for memory, in this control group where it says so, else on the machine: the
 * evidence that tells a child killed for memory from one killed by hand. 0 where nothing counts.
 */
export function oomKills(): number {
  for (const [file, pattern] of counters()) {
    try {
      const found = pattern.exec(readFileSync(file, 'utf8'));
      if (found) return Number(found[1]);
    } catch {
      // not this kind of system
    }
  }
  return 0;
}

function counters(): [string, RegExp][] {
  return [
    // cgroup v2; inside a container its own group is mounted here.
    [`/sys/fs/cgroup${ownGroup(/^0::(.*)$/m)}/memory.events`, /^oom_kill (\d+)$/m],
    ['/sys/fs/cgroup/memory.events', /^oom_kill (\d+)$/m],
    [`/sys/fs/cgroup/memory${ownGroup(/^\d+:memory:(.*)$/m)}/memory.oom_control`, /^oom_kill (\d+)$/m],
    ['/sys/fs/cgroup/memory/memory.oom_control', /^oom_kill (\d+)$/m],
    ['/proc/vmstat', /^oom_kill (\d+)$/m],
  ];
}

function ownGroup(line: RegExp): string {
  try {
    return line.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? '';
  } catch {
    return '';
  }
}
