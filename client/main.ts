import { Command, CommanderError, Option } from 'commander';
import type { LogName } from './commands/logs.ts';
import { exitCodes, makeOutput, type Output, reportFailure } from './output.ts';

const collect = (value: string, all: string[]) => [...all, value];
const list = (value: string, all: string[]) => [...all, ...value.split(',').filter(Boolean)];

/** Each command loads only what it needs: most of a short command's time is loading code. */
function program(): Command {
  const furrow = new Command('furrow')
    .description('Durable machine-learning training pipelines on Temporal.')
    .showSuggestionAfterError()
    .exitOverride();

  command(furrow, 'up', 'start Temporal with its UI and a worker on this machine')
    .option('--detach', 'return when it is up, and leave it running')
    .action(async (options, self: Command) =>
      act(self, async (output) => (await import('./commands/up.ts')).up(options, output)),
    );

  command(furrow, 'down', 'drain the worker, then stop Temporal; nothing is lost').action(async (_, self: Command) =>
    act(self, async (output) => (await import('./commands/down.ts')).down(output)),
  );

  command(furrow, 'logs', 'show the log of the worker, the Temporal server or the supervisor')
    .argument('[which]', 'worker, server or up', 'worker')
    .option('-f, --follow', 'go on as lines come')
    .option('-n, --lines <n>', 'how many of the last lines', whole, 50)
    .action(async (which: string, options, self: Command) =>
      act(self, async (output) => {
        const { logNames, showLogs } = await import('./commands/logs.ts');
        if (!logNames.includes(which as LogName))
          return self.error(`error: expected one of ${logNames.join(', ')}, got ${which}`);
        return showLogs(which as LogName, options, output);
      }),
    );

  command(furrow, 'run', 'check a pipeline, run it, and follow it; Ctrl-C leaves it running')
    .argument('[file]', 'the pipeline (default: configs/nitrogen.yaml)')
    .option('-s, --set <path=value>', 'override a value: convnet.epochs=5, seed=7', collect, [])
    .option('--no-cache', 'run every stage, whatever is there')
    .option('--refresh <stage>', 'run this stage although its result is there', list, [])
    .option('-d, --detach', 'return when the run has started')
    .option('--id <id>', 'the workflow id')
    .action(async (file: string | undefined, options, self: Command) =>
      act(self, async (output) => (await import('./commands/run.ts')).run(file, options, output)),
    );

  command(furrow, 'watch', 'follow a run that goes on; Ctrl-C leaves it running')
    .argument('[run]', 'the workflow id (default: the newest)')
    .action(async (run: string | undefined, _, self: Command) =>
      act(self, async (output) => (await import('./commands/watch.ts')).watch(run, output)),
    );

  command(furrow, 'show', 'show a run with its stages, as it stands')
    .argument('[run]', 'the workflow id (default: the newest)')
    .action(async (run: string | undefined, _, self: Command) =>
      act(self, async (output) => (await import('./commands/show.ts')).show(run, output)),
    );

  command(furrow, 'runs', 'list runs, newest first')
    .option('-n, --limit <n>', 'how many', whole, 20)
    .option('--pipeline <name>', 'only those of this pipeline')
    .action(async (options, self: Command) =>
      act(self, async (output) => (await import('./commands/runs.ts')).runs(options, output)),
    );

  command(furrow, 'validate', 'check a pipeline file and list every problem, with its place')
    .argument('[file]', 'the pipeline (default: configs/nitrogen.yaml)')
    .option('-s, --set <path=value>', 'override a value', collect, [])
    .action(async (file: string | undefined, options, self: Command) =>
      act(self, async (output) => (await import('./commands/validate.ts')).validate(file, options, output)),
    );

  command(furrow, 'stages', 'list the stages that a pipeline can use, or the parameters of one')
    .argument('[stage]', 'its name')
    .action(async (stage: string | undefined, _, self: Command) =>
      act(self, async (output) => (await import('./commands/stages.ts')).stages(stage, output)),
    );

  command(furrow, 'worker', 'run a worker here, in the foreground')
    .option('-q, --queues <list>', 'task queues to poll', 'furrow,train-gpu')
    .action(async (options, self: Command) =>
      act(self, async () => (await import('./commands/worker.ts')).worker(options)),
    );

  command(furrow, 'schema', 'print the JSON schema of pipeline files, for editors').action(async (_, self: Command) =>
    act(self, async () => (await import('./commands/schema.ts')).schema()),
  );

  command(furrow, 'doctor', 'say what was found, from where, and what will train').action(async (_, self: Command) =>
    act(self, async (output) => (await import('./commands/doctor.ts')).doctor(output)),
  );

  command(furrow, 'demo', 'run the nitrogen pipeline on synthetic plots, from nothing').action(
    async (_, self: Command) => act(self, async (output) => (await import('./commands/demo.ts')).demo(output)),
  );
  // For the build: loads what `run` loads, so that V8's code cache holds it.
  furrow.command('warm', { hidden: true }).action(async () => {
    const [{ readPipeline }] = await Promise.all([
      import('./pipelineFile.ts'),
      import('./commands/run.ts'),
      import('./connect.ts'),
    ]);
    await readPipeline(undefined, {});
  });
  return furrow;
}

function command(furrow: Command, name: string, description: string): Command {
  return furrow
    .command(name)
    .description(description)
    .addOption(new Option('--json', 'print one JSON value, for scripts'))
    .exitOverride();
}

async function act(self: Command, body: (output: Output) => Promise<number>): Promise<void> {
  const json = self.opts().json === true;
  try {
    process.exitCode = await body(makeOutput(json));
  } catch (error) {
    if (error instanceof CommanderError) throw error;
    process.exitCode = reportFailure(error, json);
  }
}

function whole(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new CommanderError(exitCodes.usage, 'furrow.number', `error: expected a whole number from 1 up, got ${text}`);
  return value;
}

// A closed pipe (`furrow runs | head`) is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) =>
  process.exit(error.code === 'EPIPE' ? exitCodes.ok : exitCodes.failed),
);

program()
  .parseAsync()
  .then(
    // Open connections would keep the process for a while; all has been said.
    () => process.exit(),
    (error: unknown) => {
      const isHelp = error instanceof CommanderError && error.exitCode === 0;
      if (!(error instanceof CommanderError)) process.stderr.write(`${String(error)}\n`);
      process.exit(isHelp ? exitCodes.ok : exitCodes.usage);
    },
  );
