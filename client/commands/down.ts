import { setTimeout as sleep } from 'node:timers/promises';
import { homeFolder, isAlive, readUpState } from '../../lib/home/home.ts';
import { exitCodes, type Output } from '../output.ts';

/** `furrow down`: the worker drains (a training checkpoints and is handed back), then the server ends. Nothing is lost. */
export async function down(output: Output): Promise<number> {
  const state = readUpState(homeFolder());
  if (!state) {
    output.answer({ stopped: false }, () => ['Nothing is up here']);
    return exitCodes.ok;
  }
  process.kill(state.pid, 'SIGTERM');
  output.say('Waiting for the worker to drain');
  while (isAlive(state.pid)) await sleep(50);
  output.answer({ stopped: true }, () => ['furrow is down']);
  return exitCodes.ok;
}
