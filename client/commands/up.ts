import { FurrowError } from '../../contract/errors.ts';
import { bringUp, upLine } from '../embedded.ts';
import { exitCodes, type Output } from '../output.ts';
import { stopSignals } from '../stopSignals.ts';

/**
 * `furrow up [--detach]`: Temporal's dev server with its UI, and a worker. In the foreground, too, the answer is given once they are
 * up: a script waits for it. What happens later is in the exit code and on stderr.
 */
export async function up(options: { detach?: boolean }, output: Output): Promise<number> {
  const { signal } = stopSignals();
  const { state, own } = await bringUp(output, signal);
  output.answer({ ...state, already: own === undefined }, () => [upLine(state, own ? 'is up' : 'was up already')]);
  if (!own || options.detach) return exitCodes.ok;
  output.say('Ctrl-C ends it; runs go on when it is up again.');
  signal.addEventListener('abort', () => {
    own.stop();
    // Last: with its terminal gone, the command ends here.
    output.say('Waiting for the worker to drain');
  });
  const code = await own.ended;
  if (code !== 0 && !signal.aborted)
    throw new FurrowError(
      'SERVER_UNREACHABLE',
      'The supervisor ended by itself; see `furrow logs up`. `furrow down` ends what it may have left running.',
    );
  output.say('furrow is down');
  return exitCodes.ok;
}
