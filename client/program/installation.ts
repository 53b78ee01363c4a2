import type { Command } from 'commander';
import { act, collect, command, whole } from './command.ts';

/** What runs on this machine. */
export function addInstallation(furrow: Command): void {
  furrow.commandsGroup('This machine:');

  command(furrow, 'up', 'start Temporal with its UI and a worker on this machine')
    .option('-d, --detach', 'return when it is up, and leave it running')
    .action(async (options, self: Command) =>
      act(self, async (output) => (await import('../commands/up.ts')).up(options, output)),
    );

  command(furrow, 'down', 'drain the worker, then stop Temporal; nothing is lost').action(async (_, self: Command) =>
    act(self, async (output) => (await import('../commands/down.ts')).down(output)),
  );

  command(furrow, 'logs', 'show the log of the worker, the Temporal server or the supervisor')
    .argument('[which]', 'worker, server or up (the supervisor)', 'worker')
    .option('-f, --follow', 'go on as lines come')
    .option('-n, --lines <n>', 'how many of the last lines', whole, 50)
    .action(async (which: string, options, self: Command) =>
      act(self, async (output) => (await import('../commands/logs.ts')).showLogs(which, options, output)),
    );

  command(furrow, 'worker', 'run a worker here, in the foreground; it drains on Ctrl-C')
    .option('-q, --queues <list>', 'task queues to poll', 'furrow,train-gpu')
    .option('--parallel-trainings <n>', 'trainings at once', whole, 1)
    .action(async (options, self: Command) =>
      act(self, async (output) => (await import('../commands/worker.ts')).worker(options, output)),
    );

  command(
    furrow,
    'doctor',
    'say what was found, from where, and what will train; of a pipeline, what its trainings take',
  )
    .argument(
      '[file]',
      'the pipeline whose trainings to measure: memory, time, and what to lower where it does not fit',
    )
    .option('-s, --set <path=value>', 'override a value', collect)
    .action(async (file: string | undefined, options, self: Command) =>
      act(self, async (output) => (await import('../commands/doctor.ts')).doctor(file, options, output)),
    );

  command(furrow, 'demo', 'run the nitrogen pipeline on synthetic plots, from nothing').action(
    async (_, self: Command) => act(self, async (output) => (await import('../commands/demo.ts')).demo(output)),
  );

  command(furrow, 'gc', 'free what no run, alias or recent use of a store reaches')
    .option('--store <place>', 'a folder, or gs://BUCKET/PREFIX', '.furrow/store')
    .option('--dry-run', 'say what would be freed, and remove nothing')
    .option('--min-age <duration>', 'what was written or used later is kept', '1d')
    .option('--keep-runs <duration>', 'forget runs that ended longer ago (default: none)')
    .action(async (options, self: Command) =>
      act(self, async (output) => (await import('../commands/gc.ts')).gc(options, output)),
    );

  furrow.command('warm-up', { hidden: true }).action(async () => (await import('../warmUp.ts')).warmUp());
}
