import { homeFolder } from '../../lib/home/home.ts';
import { endLeftovers, endSupervisor, runningState } from '../leftovers.ts';
import { exitCodes, type Output } from '../output.ts';

/** `furrow down`: the worker drains (a training checkpoints and is handed back), then the server ends. Nothing is lost. */
export async function down(output: Output): Promise<number> {
  const home = homeFolder();
  const state = runningState(home);
  if (state) output.say('Waiting for the worker to drain');
  // Also what a supervisor that was killed has left running, or leaves now.
  const leftovers = state ? await endSupervisor(home, state.pid) : await endLeftovers(home);
  const stopped = state !== undefined || leftovers.length > 0;
  output.answer({ stopped, ...(leftovers.length > 0 && { leftovers }) }, () => [
    ...(leftovers.length > 0 ? [`Its supervisor was gone; ended ${leftovers.join(' and ')}`] : []),
    stopped ? 'furrow is down' : 'Nothing is up here',
  ]);
  return exitCodes.ok;
}
