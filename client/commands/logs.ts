import { existsSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { homeFile, homeFolder } from '../../lib/home/home.ts';
import { exitCodes, type Output, UsageError } from '../output.ts';

const logs = { worker: 'workerLog', server: 'serverLog', up: 'supervisorLog' } as const;

/** Bytes from the end that are looked at for the last lines. */
const tailBytes = 1 << 20;

/** Milliseconds between two looks at a log that is followed. */
const lookEvery = 300;

/** `furrow logs [worker|server|up] [--follow] [--lines N]`. With `--json` an array; followed, an object a line. */
export async function showLogs(
  which: string,
  options: { follow?: boolean; lines: number },
  output: Output,
): Promise<number> {
  const file = homeFile(homeFolder(), logs[nameOf(which)]);
  let position = 0;
  let tail: string[] = [];
  if (existsSync(file)) {
    position = Math.max(0, (await stat(file)).size - tailBytes);
    const first = await readFrom(file, position);
    // What starts in the middle of a line is no line.
    tail = (position > 0 ? first.lines.slice(1) : first.lines).slice(-options.lines);
    position = first.next;
  } else {
    output.say(`There is no log yet: ${file}${options.follow ? '; waiting for it' : ''}`);
  }
  if (!options.follow) {
    output.answer(tail.map(parsed), () => tail.map(readable));
    return exitCodes.ok;
  }
  print(tail, output.json);
  for (;;) {
    await sleep(lookEvery);
    if (!existsSync(file)) continue;
    const more = await readFrom(file, position);
    position = more.next;
    print(more.lines, output.json);
  }
}

function nameOf(which: string): keyof typeof logs {
  if (Object.hasOwn(logs, which)) return which as keyof typeof logs;
  const names = Object.keys(logs).join(', ');
  throw new UsageError(`There is no log \`${which}\``, `Expected one of ${names}.`);
}

async function readFrom(file: string, from: number): Promise<{ lines: string[]; next: number }> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    // Shorter than before: it was begun anew.
    const position = size < from ? 0 : from;
    const { buffer } = await handle.read({ buffer: Buffer.alloc(size - position), position });
    const whole = buffer.lastIndexOf(10) + 1;
    return { lines: buffer.subarray(0, whole).toString('utf8').split('\n').filter(Boolean), next: position + whole };
  } finally {
    await handle.close();
  }
}

function print(lines: readonly string[], json: boolean): void {
  for (const line of lines) process.stdout.write(`${json ? JSON.stringify(parsed(line)) : readable(line)}\n`);
}

/** A line of the log as it was written, or what is no JSON as a message: a crash speaks plainly. */
function parsed(line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // falls through
  }
  return { msg: line };
}

const levels: Readonly<Record<string, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};

function readable(line: string): string {
  const { time, ts, level, msg, stage, activityId, workflowId, taskQueue, error } = parsed(line);
  if (time === undefined && ts === undefined && level === undefined) return line;
  const place = [workflowId, stage ?? activityId, workflowId ? undefined : taskQueue].filter(Boolean).join(' ');
  const why = typeof error === 'string' ? `: ${error}` : '';
  return `${time ?? ts ?? ''} ${levels[String(level)] ?? level ?? ''} ${place ? `[${place}] ` : ''}${msg ?? ''}${why}`;
}
