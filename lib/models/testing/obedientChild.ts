/** A child for tests: does as it is told, well or badly. */
import { writeFile } from 'node:fs/promises';
import { FurrowError } from '../../../contract/errors.ts';
import { serveTask, stopped } from '../child/serveTask.ts';

export type ProbeTask =
  | { readonly kind: 'echo'; readonly value: unknown }
  | { readonly kind: 'throw'; readonly message: string }
  | { readonly kind: 'write'; readonly file: string }
  | {
      readonly kind:
        | 'progress'
        | 'checkpoint'
        | 'fail'
        | 'fault'
        | 'crash'
        | 'allocate'
        | 'sleep'
        | 'busy'
        | 'environment';
    };

serveTask<ProbeTask, unknown>(async (task, session) => {
  switch (task.kind) {
    case 'echo':
      return task.value;
    case 'throw':
      throw new Error(task.message);
    case 'write':
      await writeFile(task.file, 'a byte or two');
      return null;
    case 'progress':
      session.progress({ doing: 'first' });
      session.progress({ doing: 'second' });
      return null;
    case 'checkpoint':
      return { stored: await session.checkpoint(1, 'file') };
    case 'fail':
      throw new FurrowError('TRAINING_DIVERGED', 'as it does', { details: { step: 3 } });
    case 'fault':
      return faultyStep();
    case 'crash':
      process.stderr.write('the last line\n');
      process.exitCode = 7;
      process.exit();
      break;
    case 'allocate':
      process.stderr.write("terminate called after throwing an instance of 'std::bad_alloc'\n");
      process.abort();
      break;
    case 'sleep':
      while (!session.stopRequested()) await new Promise((resolve) => setTimeout(resolve, 5));
      return stopped;
    case 'busy':
      // As in a step of TensorFlow: the event loop turns only between steps; here it is deaf to being asked.
      for (;;) {
        const until = Date.now() + 100;
        while (Date.now() < until);
        await new Promise((resolve) => setImmediate(resolve));
      }
    case 'environment':
      return process.env;
  }
});

function faultyStep(): never {
  throw new TypeError('x is not iterable');
}
