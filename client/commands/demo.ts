import { homeFolder, readUpState } from '../../lib/home/home.ts';
import { exitCodes, type Output } from '../output.ts';
import { run } from './run.ts';
import { bringUp } from './up.ts';

/**
 * `npm run demo`: Temporal, a worker, the nitrogen pipeline on synthetic plots. With a terminal, what it started stays up until
 * Ctrl-C, so that the run can be looked at; without one, it is taken down again.
 */
export async function demo(output: Output): Promise<number> {
  const own = readUpState(homeFolder()) ? undefined : await start(output);
  const code = await run('configs/nitrogen.yaml', { set: [], cache: true, refresh: [] }, output);
  if (!own) return code;
  if (process.stdin.isTTY && process.stdout.isTTY && code !== exitCodes.detached) {
    output.say('\nTemporal and its UI stay up until Ctrl-C.');
    await new Promise<void>((resolve) => process.once('SIGINT', () => resolve()));
  }
  own.stop();
  await own.ended;
  return code;
}

async function start(output: Output) {
  output.say('Starting Temporal and a worker');
  const own = await bringUp();
  output.say(`Temporal UI: ${own.state.ui}`);
  return own;
}
