import { spawn } from 'node:child_process';
import { FurrowError } from '../../contract/errors.ts';
import { entryPoint } from '../../lib/code/root.ts';
import { findTemporalTarget } from '../../lib/connection/connection.ts';
import { homeFolder } from '../../lib/home/home.ts';
import { exitCodes, type Output, UsageError } from '../output.ts';

/** `furrow worker --queues …`: the worker program in the foreground; it drains on Ctrl-C and SIGTERM. */
export async function worker(options: { queues: string; parallelTrainings: number }, output: Output): Promise<number> {
  const queues = options.queues
    .split(',')
    .map((queue) => queue.trim())
    .filter(Boolean);
  if (queues.length === 0) throw new UsageError('Expected at least one queue', 'For example --queues train-gpu.');
  if (!(await findTemporalTarget(homeFolder())))
    throw new FurrowError('SERVER_UNREACHABLE', 'Nothing is up here, and TEMPORAL_ADDRESS is not set');
  const child = spawn(
    process.execPath,
    [
      entryPoint('worker/main.ts'),
      ...['--queues', queues.join(',')],
      ...['--parallel-trainings', String(options.parallelTrainings)],
    ],
    { stdio: 'inherit' },
  );
  // Ctrl-C reaches the worker from the terminal; SIGTERM only through us.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  const code = await new Promise<number>((resolve) =>
    child.once('exit', (ended) => resolve(ended ?? exitCodes.failed)),
  );
  output.answer({ queues, drained: code === 0 }, () => []);
  return code;
}
