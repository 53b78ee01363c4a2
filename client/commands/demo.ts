import { bringUp, upLine } from '../embedded.ts';
import { exitCodes, type Output } from '../output.ts';
import { stopSignals } from '../stopSignals.ts';
import { withoutImages } from '../withoutImages.ts';
import { type RunOptions, run } from './run.ts';

/**
 * `npm run demo`: Temporal, a worker, the nitrogen pipeline on synthetic plots. With a terminal, what it started stays up until
 * Ctrl-C, so that the run can be looked at; without one, it is taken down again.
 */
export async function demo(output: Output): Promise<number> {
  // It is about a Temporal of its own, whatever the environment names.
  for (const name of Object.keys(process.env)) if (name.startsWith('TEMPORAL_')) delete process.env[name];
  const stop = stopSignals();
  const { signal } = stop;
  output.say('Starting Temporal and a worker');
  const { state, own } = await bringUp(output, signal);
  output.say(upLine(state, own ? 'is up' : 'was up already'));
  const options = optionsFor(process.platform, output);
  if (!own) {
    stop.release();
    return run('configs/nitrogen.yaml', options, output);
  }
  // At once: with its terminal gone, the command ends at the next line that it says.
  signal.addEventListener('abort', () => {
    output.say('Waiting for the worker to drain; Ctrl-C once more leaves it to do so by itself.');
    stop.release();
    own.stop();
  });
  try {
    const detachedLines = ['Stopping; the run goes on from here after the next `furrow up`.'];
    const code = await run('configs/nitrogen.yaml', { ...options, detachedLines, leave: signal }, output);
    if (process.stdin.isTTY && process.stdout.isTTY && code !== exitCodes.detached && !signal.aborted) {
      output.say(`\nTemporal and its UI stay up until Ctrl-C: ${state.ui}`);
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
    }
    return code;
  } finally {
    own.stop();
    await own.ended;
  }
}

/** An image takes in the worker's own Node, which fits into it on Linux alone. */
function optionsFor(platform: NodeJS.Platform, output: Output): RunOptions {
  if (platform === 'linux') return {};
  output.say('The image is left out: its stage needs a worker on Linux, or `base:`, an image with Node.');
  return { edit: withoutImages };
}
