import { readFileSync } from 'node:fs';

/** A process for as long as it lives: its number alone may be another's tomorrow. */
export interface ProcessMark {
  readonly pid: number;
  /** Clock ticks from boot to its start (Linux); empty where that cannot be read. */
  readonly started: string;
  /** Its parent when the mark was made. */
  readonly parent: number;
}

export function processMark(pid: number): ProcessMark {
  const stat = readStat(pid);
  return { pid, started: stat?.started ?? '', parent: stat?.parent ?? process.ppid };
}

export function isAlive({ pid, started }: ProcessMark): boolean {
  const stat = readStat(pid);
  if (stat) return stat.started === started && stat.state !== 'Z';
  if (started !== '') return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** It is verified to be the process of the mark, and its parent is not the one that started it. */
export function isOrphan({ pid, started, parent }: ProcessMark): boolean {
  const stat = readStat(pid);
  return stat !== undefined && stat.started === started && stat.parent !== parent;
}

/** https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: fields 3, 4 and 22; the name before them may hold spaces. */
function readStat(pid: number): { state: string; parent: number; started: string } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', parent: Number(fields[1]), started: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}
