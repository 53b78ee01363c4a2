import { existsSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { homeFile, homeFolder } from '../../lib/home/home.ts';
import { exitCodes, type Output } from '../output.ts';

const logs = { worker: 'workerLog', server: 'serverLog', up: 'supervisorLog' } as const;
export type LogName = keyof typeof logs;
export const logNames = Object.keys(logs) as LogName[];

/** Bytes from the end that are looked at for the last lines. */
const tailBytes = 1 << 20;

/** `furrow logs [worker|server|up] [--follow] [--lines N]`. The log is JSON lines; `--json` prints them as they are. */
export async function showLogs(
  which: LogName,
  options: { follow?: boolean; lines: number },
  output: Output,
): Promise<number> {
  const file = homeFile(homeFolder(), logs[which]);
  if (!existsSync(file)) {
    output.say(`There is no log yet: ${file}`);
    return exitCodes.ok;
  }
  let position = Math.max(0, (await stat(file)).size - tailBytes);
  const first = await readFrom(file, position);
  position = first.next;
  print(first.lines.slice(-options.lines), output.json);
  while (options.follow) {
    await sleep(300);
    const more = await readFrom(file, position);
    position = more.next;
    print(more.lines, output.json);
  }
  return exitCodes.ok;
}

async function readFrom(file: string, position: number): Promise<{ lines: string[]; next: number }> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const length = Math.max(0, size - position);
    const { buffer } = await handle.read({ buffer: Buffer.alloc(length), position });
    const whole = buffer.lastIndexOf(10) + 1;
    return { lines: buffer.subarray(0, whole).toString('utf8').split('\n').filter(Boolean), next: position + whole };
  } finally {
    await handle.close();
  }
}

function print(lines: readonly string[], json: boolean): void {
  for (const line of lines) process.stdout.write(`${json ? line : readable(line)}\n`);
}

const levels: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};

function readable(line: string): string {
  try {
    const { time, level, msg, stage, activityId, workflowId } = JSON.parse(line);
    const place = [workflowId, stage ?? activityId].filter(Boolean).join(' ');
    return `${time ?? ''} ${levels[level] ?? level ?? ''} ${place ? `[${place}] ` : ''}${msg ?? ''}`;
  } catch {
    return line;
  }
}
