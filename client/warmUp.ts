import { Connection } from '@temporalio/client';

/**
 * For the build: runs what `furrow run` runs before it waits for anybody, so that V8's code cache holds it compiled. Nothing is
 * connected to.
 */
export async function warmUp(): Promise<void> {
  const [{ readPipeline }] = await Promise.all([
    import('./pipelineFile.ts'),
    import('./commands/run.ts'),
    import('./commands/show.ts'),
    import('./connect.ts'),
  ]);
  await readPipeline(undefined, {});
  const connection = Connection.lazy({ address: '127.0.0.1:1' });
  await Promise.allSettled([
    connection.withDeadline(Date.now() + 200, () => connection.workflowService.getSystemInfo({})),
    connection.withDeadline(Date.now() + 200, () =>
      connection.workflowService.startWorkflowExecution({ namespace: 'none', workflowId: 'none' }),
    ),
  ]);
}
