import { readStat } from '../../process/stat.ts';

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
