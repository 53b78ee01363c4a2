import { bringUp, upLine } from '../embedded.ts';
import { exitCodes, type Output } from '../output.ts';
import { run } from './run.ts';

/**
 * `npm run demo`: Temporal, a worker, the nitrogen pipeline on synthetic plots. With a terminal, what it started stays up until
 * Ctrl-C, so that the run can be looked at; without one, it is taken down again.
 */
export async function demo(output: Output): Promise<number> {
  output.say('Starting Temporal and a worker');
  const { state, own } = await bringUp(output);
  output.say(upLine(state, own ? 'is up' : 'was up already'));
  if (!own) return run('configs/nitrogen.yaml', {}, output);
  try {
    const detachedLines = ['Stopping; the run goes on from here after the next `furrow up`.'];
    const code = await run('configs/nitrogen.yaml', { detachedLines }, output);
    if (process.stdin.isTTY && process.stdout.isTTY && code !== exitCodes.detached) {
      output.say(`\nTemporal and its UI stay up until Ctrl-C: ${state.ui}`);
      await new Promise<void>((resolve) => process.once('SIGINT', () => resolve()));
    }
    return code;
  } finally {
    own.stop();
    await own.ended;
  }
}
