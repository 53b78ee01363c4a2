import { readFileSync } from 'node:fs';

/**
 * What Linux says of a process; undefined elsewhere, and of one that is gone.
 * https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: fields 3, 4 and 22; the name before them may hold spaces.
 */
export function readStat(pid: number): { state: string; parent: number; started: string } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', parent: Number(fields[1]), started: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}
