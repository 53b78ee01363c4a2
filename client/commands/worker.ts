import { spawn } from 'node:child_process';
import { entryPoint } from '../../lib/code/root.ts';
import { exitCodes } from '../output.ts';

/** `furrow worker --queues …`: the worker program in the foreground; it drains on Ctrl-C and SIGTERM. */
export async function worker(options: { queues: string }): Promise<number> {
  const child = spawn(process.execPath, [entryPoint('worker/main.ts'), '--queues', options.queues], {
    stdio: 'inherit',
  });
  // Ctrl-C reaches the worker from the terminal; SIGTERM only through us.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  return new Promise((resolve) => child.once('exit', (code) => resolve(code ?? exitCodes.failed)));
}
