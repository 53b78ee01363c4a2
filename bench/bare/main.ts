/**
 * What the server and Temporal's SDK cost by themselves: do-nothing activities, with a plain worker in a process of its own.
 * `main.js ADDRESS STAGES chain|fan-out ROUNDS` prints the milliseconds of each run, by the server's clock, as JSON.
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { productRoot } from '../../lib/code/root.ts';

const [address = '', stages = '', shape = '', rounds = ''] = process.argv.slice(2);
const taskQueue = `bare-${randomUUID()}`;
Runtime.install({ logger: new DefaultLogger('ERROR') });

const worker = await Worker.create({
  connection: await NativeConnection.connect({ address }),
  taskQueue,
  workflowsPath: join(productRoot, 'bench/bare/workflow.ts'),
  activities: { async pass() {} },
});
const times = await worker.runUntil(measure);
process.stdout.write(JSON.stringify(times));
process.exit(0);

async function measure(): Promise<number[]> {
  const { workflow } = new Client({ connection: await Connection.connect({ address }) });
  const times: number[] = [];
  // The first round is for warmth.
  for (let round = 0; round <= Number(rounds); round++) {
    const handle = await workflow.start('bare', {
      taskQueue,
      workflowId: `${taskQueue}-${round}`,
      args: [Number(stages), shape === 'fan-out'],
    });
    await handle.result();
    const { startTime, closeTime } = await handle.describe();
    if (round > 0) times.push((closeTime?.getTime() ?? Number.NaN) - startTime.getTime());
  }
  return times;
}
