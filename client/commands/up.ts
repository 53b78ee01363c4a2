import { FurrowError } from '../../contract/errors.ts';
import { bringUp, upLine } from '../embedded.ts';
import { exitCodes, type Output } from '../output.ts';

/** `furrow up [--detach]`: Temporal's dev server with its UI, and a worker. */
export async function up(options: { detach?: boolean }, output: Output): Promise<number> {
  const { state, own } = await bringUp(output);
  output.answer({ ...state, already: own === undefined }, () => [upLine(state, own ? 'is up' : 'was up already')]);
  if (!own || options.detach) return exitCodes.ok;
  output.say('Ctrl-C ends it; runs go on when it is up again.');
  let asked = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (!asked) output.say('Waiting for the worker to drain');
      asked = true;
      own.stop();
    });
  }
  const code = await own.ended;
  if (code !== 0 && !asked)
    throw new FurrowError(
      'SERVER_UNREACHABLE',
      'Temporal ended by itself; see `furrow logs up` and `furrow logs server`',
    );
  output.say('furrow is down');
  return exitCodes.ok;
}
