import { connect } from '../connect.ts';
import { findRun } from '../findRun.ts';
import { follow } from '../follow.ts';
import type { Output } from '../output.ts';

/** `furrow watch [RUN]`: follows a run that goes on, the newest when none is named. */
export async function watch(name: string | undefined, output: Output): Promise<number> {
  const { client, target } = await connect();
  const run = await findRun(client, name);
  output.say(`Run ${run.workflowId}`);
  return follow({ client, target, ...run }, output);
}
