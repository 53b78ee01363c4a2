import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import { workflowType } from '../../contract/messages.ts';
import { productRoot } from '../../lib/code/root.ts';

/** What a replay needs of a worker. */
export const replayOptions = {
  // Read once: what a test file runs and what it replays stay the same code when something is built meanwhile.
  workflowBundle: { code: readFileSync(join(productRoot, 'dist/workflows/bundle.js'), 'utf8') },
  dataConverter: { failureConverterPath: join(productRoot, 'dist/workflows/failureConverter.cjs') },
};

/** Replays every run that the server knows; a workflow that is not deterministic fails here, long before a user's does. */
export async function replayAll(client: Client): Promise<number> {
  const histories = client.workflow.list({ query: `WorkflowType = '${workflowType}'` }).intoHistories();
  let replayed = 0;
  for await (const { workflowId, error } of Worker.runReplayHistories(replayOptions, histories)) {
    if (error) throw new Error(`The history of ${workflowId} does not replay`, { cause: error });
    replayed++;
  }
  return replayed;
}
