/** What a child process has of memory, and what tells that it died of the lack of it. */
import { readFileSync } from 'node:fs';
import { FurrowError } from '../../../contract/errors.ts';
import type { JsonObject } from '../../../contract/json.ts';
import { allocationFailed } from '../allocationFailed.ts';
import { bytesText } from '../estimate/amounts.ts';
import { type MemoryAmount, memoryLimit } from '../estimate/machineMemory.ts';

/**
 * How often the kernel has killed a process for memory, in this control group where it says so, else on the machine: the
 * evidence that tells a child killed for memory from one killed by hand. 0 where nothing counts.
 */
export function oomKills(): number {
  for (const [file, pattern] of counters()) {
    const found = pattern.exec(read(file));
    if (found) return Number(found[1]);
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
  return line.exec(read('/proc/self/cgroup'))?.[1] ?? '';
}

export interface ProcessMemory {
  /** Bytes in memory, and the most that there ever were. */
  readonly resident: number;
  readonly peak: number;
  /** Bytes of addresses that are taken, whether in memory or not. */
  readonly addresses: number;
}

/** Undefined when the process is gone, and on other systems than Linux. */
export function processMemory(pid: number | 'self'): ProcessMemory | undefined {
  const status = read(`/proc/${pid}/status`);
  const bytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) * 1024;
  // A process that has ended and was not waited for has a status without these lines.
  const resident = bytes('VmRSS');
  return resident > 0 ? { resident, peak: bytes('VmHWM'), addresses: bytes('VmSize') } : undefined;
}

/** Milliseconds. A large network takes a GiB in half a second; a look costs some 50 µs. */
const lookEvery = 200;

export interface WatchedMemory {
  /** The last that was seen; undefined before the first look. */
  readonly last: ProcessMemory | undefined;
  /** The most addresses that the process may take (`ulimit -v`), in bytes; undefined without such a limit. */
  readonly mostAddresses: number | undefined;
}

/** Looks at a child's memory while it runs: when it is gone, nobody can say any more how much it had. */
export function watchMemory(
  pid: number | undefined,
  onLook?: (memory: ProcessMemory) => void,
): WatchedMemory & { stop(): void } {
  let last: ProcessMemory | undefined;
  let mostAddresses: number | undefined;
  const look = () => {
    if (pid === undefined) return;
    const now = processMemory(pid);
    if (!now) return;
    // A limit may be set while it runs; once there is one, it can only be lowered.
    mostAddresses ??= addressLimit(pid);
    last = now;
    onLook?.(now);
  };
  const timer = setInterval(look, lookEvery);
  timer.unref();
  return {
    get last() {
      return last;
    },
    get mostAddresses() {
      return mostAddresses;
    },
    stop: () => clearInterval(timer),
  };
}

function addressLimit(pid: number): number | undefined {
  const found = /^Max address space\s+(\d+)/m.exec(read(`/proc/${pid}/limits`));
  return found ? Number(found[1]) : undefined;
}

/** A GPU's allocator warns before it takes a slower way that needs less. */
const harmless = /not a failure/i;
/** Signals by which native code ends itself. Where an allocation fails, TensorFlow goes on with a null pointer or gives up. */
const nativeFaults: readonly (string | null)[] = ['SIGSEGV', 'SIGABRT', 'SIGBUS', 'SIGTRAP'];
/** Of the addresses that it may take: what is missing to all of them is the block that it did not get. */
const nearly = 0.85;

export interface Death {
  readonly signal: string | null;
  readonly stderr: string;
  /** We killed it ourselves. */
  readonly killed: boolean;
  /** The kernel killed some process of this group for memory meanwhile. */
  readonly oom: boolean;
  readonly memory: WatchedMemory;
}

/** In words, why a child that ended did so for lack of memory; undefined when nothing says that it did. */
export function lackOfMemory({ signal, stderr, killed, oom, memory }: Death): string | undefined {
  if (signal === 'SIGKILL' && !killed && oom) return 'the kernel killed it';
  // Whoever killed it by hand is not told apart by what it had said before.
  if (signal === 'SIGKILL') return undefined;
  const said = stderr.split('\n').find((line) => allocationFailed.test(line) && !harmless.test(line));
  if (said !== undefined) return said;
  const { last, mostAddresses } = memory;
  const exhausted = last && mostAddresses !== undefined && last.addresses >= nearly * mostAddresses;
  if (nativeFaults.includes(signal) && exhausted) return `it ended by ${signal} with next to no address left`;
  return undefined;
}

/**
 * @param why as {@link lackOfMemory} says it
 * @param lower what would need less, with the task's own numbers: "`batchSize` from 16 to 8"
 */
export function outOfMemory(
  why: string,
  { memory, lower, details = {} }: { memory: WatchedMemory; lower?: string | undefined; details?: JsonObject },
): FurrowError {
  const limit = limitOf(memory);
  const reached = memory.last?.peak;
  const message = [
    `The child process ran out of memory: ${allocation(why)}`,
    `It ${reached === undefined ? '' : `had reached ${bytesText(reached)}, and `}may use ${bytesText(limit.bytes)} (${limit.from})`,
    ...(lower ? [`Lower ${lower}; \`furrow doctor CONFIG\` tells what fits`] : []),
  ].join('. ');
  return new FurrowError('CHILD_OUT_OF_MEMORY', message, {
    details: { ...details, reachedBytes: reached ?? null, limitBytes: limit.bytes, limitFrom: limit.from },
  });
}

function limitOf({ mostAddresses }: WatchedMemory): MemoryAmount {
  const limit = memoryLimit();
  if (mostAddresses === undefined || mostAddresses >= limit.bytes) return limit;
  return { bytes: mostAddresses, from: '`ulimit -v`' };
}

/** Without the status, time, level and place in its source that TensorFlow writes, and the device that it names. */
function allocation(why: string): string {
  return why
    .replace(/^Invalid TF_Status: \d+\s+Message: /, '')
    .replace(/^[-0-9]{10} [0-9:.]+: \w \S+\] /, '')
    .replace(/ on \/job:\S+/, '')
    .trim()
    .slice(0, 200);
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // gone, or not this kind of system
    return '';
  }
}
