import { DefaultLogger, type LogEntry, Runtime } from '@temporalio/worker';

/** What the workers of this process have logged, one JSON a line; nothing is printed. */
export const workerLog: string[] = [];
let kept = false;

/** Before the first worker or replay of this process. */
export function keepLogs(): void {
  if (kept) return;
  kept = true;
  const keep = (entry: LogEntry) =>
    workerLog.push(JSON.stringify(entry, (_, value) => (typeof value === 'bigint' ? String(value) : value)));
  Runtime.install({ logger: new DefaultLogger('INFO', keep), shutdownSignals: [] });
}
