import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError, Option } from 'commander';
import { productRoot } from '../lib/code/root.ts';
import { environmentLines, exampleLines, exitCodeLines } from './help.ts';
import { exitCodes, makeOutput, type Output, reportFailure, UsageError } from './output.ts';

const collect = (value: string, all: string[] = []) => [...all, value];
const list = (value: string, all: string[] = []) => [...all, ...value.split(',').filter(Boolean)];

/** Each command loads only what it needs: most of a short command's time is loading code. */
function program(): Command {
  const furrow = new Command('furrow')
    .description('Durable machine-learning training pipelines on Temporal.')
    .option('-V, --version', 'print the version')
    .on('option:version', () => {
      process.stdout.write(`${JSON.parse(readFileSync(join(productRoot, 'package.json'), 'utf8')).version}\n`);
      process.exit();
    })
    .showSuggestionAfterError()
    .addHelpText('after', '\n`furrow help COMMAND` gives examples; every command takes --json.')
    .addHelpText('after', exitCodeLines + environmentLines)
    .configureOutput(quietWithJson)
    .exitOverride();

  command(furrow, 'up', 'start Temporal with its UI and a worker on this machine')
    .option('-d, --detach', 'return when it is up, and leave it running')
    .action(async (options, self: Command) =>
      act(self, async (output) => (await import('./commands/up.ts')).up(options, output)),
    );

  command(furrow, 'down', 'drain the worker, then stop Temporal; nothing is lost').action(async (_, self: Command) =>
    act(self, async (output) => (await import('./commands/down.ts')).down(output)),
  );

  command(furrow, 'run', 'check a pipeline, run it, and follow it; Ctrl-C leaves it running')
    .argument('[file]', 'the pipeline (default: configs/nitrogen.yaml)')
    .option('-s, --set <path=value>', 'override a value: convnet.epochs=5, seed=7', collect)
    .option('--no-cache', 'run every stage, whatever is there')
    .option('--refresh <stages>', 'run these stages although their results are there', list)
    .option('-d, --detach', 'return when the run has started')
    .option('--id <id>', 'the workflow id (default: the pipeline and 8 digits)')
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
    .addOption(new Option('--status <status>', 'only those').choices(['running', 'finished', 'failed', 'cancelled']))
    .action(async (options, self: Command) =>
      act(self, async (output) => (await import('./commands/runs.ts')).runs(options, output)),
    );

  command(furrow, 'get', 'copy the files that a stage made into a folder')
    .argument('<stage>', 'its name in the pipeline')
    .option('-r, --run <id>', 'the workflow id (default: the newest run)')
    .option('--to <folder>', 'where to (default: a folder named like the stage)')
    .action(async (stage: string, options, self: Command) =>
      act(self, async (output) => (await import('./commands/get.ts')).get(stage, options, output)),
    );

  const data = furrow.command('data').description('look at the data that runs were made of').exitOverride();
  data.configureOutput(quietWithJson);
  const fetching = new Option('--stage <name>', 'the stage that fetched it, where there are several');

  command(data, 'show', 'which version of the data a run was made of, and where it came from')
    .argument('[run]', 'the workflow id (default: the newest)')
    .addOption(fetching)
    .action(async (run: string | undefined, options, self: Command) =>
      act(self, async (output) => (await import('./commands/data.ts')).showData(run, options, output)),
    );

  command(data, 'diff', 'which plots were added, removed or changed from one run to another')
    .argument('[a]', 'the workflow id (default: the run before the newest, of the same pipeline)')
    .argument('[b]', 'the workflow id (default: the newest)')
    .addOption(fetching)
    .action(async (a: string | undefined, b: string | undefined, options, self: Command) =>
      act(self, async (output) => (await import('./commands/data.ts')).diffData(a, b, options, output)),
    );

  command(furrow, 'logs', 'show the log of the worker, the Temporal server or the supervisor')
    .argument('[which]', 'worker, server or up (the supervisor)', 'worker')
    .option('-f, --follow', 'go on as lines come')
    .option('-n, --lines <n>', 'how many of the last lines', whole, 50)
    .action(async (which: string, options, self: Command) =>
      act(self, async (output) => (await import('./commands/logs.ts')).showLogs(which, options, output)),
    );

  command(furrow, 'validate', 'check a pipeline file and list every problem, with its place')
    .argument('[file]', 'the pipeline (default: configs/nitrogen.yaml)')
    .option('-s, --set <path=value>', 'override a value', collect)
    .action(async (file: string | undefined, options, self: Command) =>
      act(self, async (output) => (await import('./commands/validate.ts')).validate(file, options, output)),
    );

  command(furrow, 'stages', 'list the stages that a pipeline can use, or the parameters of one')
    .argument('[stage]', 'its name')
    .action(async (stage: string | undefined, _, self: Command) =>
      act(self, async (output) => (await import('./commands/stages.ts')).stages(stage, output)),
    );

  furrow.command('warm-up', { hidden: true }).action(async () => (await import('./warmUp.ts')).warmUp());

  command(furrow, 'schema', 'print the JSON schema of pipeline files, for editors').action(async (_, self: Command) =>
    act(self, async () => (await import('./commands/schema.ts')).schema()),
  );

  command(furrow, 'worker', 'run a worker here, in the foreground; it drains on Ctrl-C')
    .option('-q, --queues <list>', 'task queues to poll', 'furrow,train-gpu')
    .option('--parallel-trainings <n>', 'trainings at once', whole, 1)
    .action(async (options, self: Command) =>
      act(self, async (output) => (await import('./commands/worker.ts')).worker(options, output)),
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
      act(self, async (output) => (await import('./commands/doctor.ts')).doctor(file, options, output)),
    );

  command(furrow, 'demo', 'run the nitrogen pipeline on synthetic plots, from nothing').action(
    async (_, self: Command) => act(self, async (output) => (await import('./commands/demo.ts')).demo(output)),
  );
  return furrow;
}

function command(parent: Command, name: string, description: string): Command {
  const path = [parent.parent && parent.name(), name].filter(Boolean).join(' ');
  return parent
    .command(name)
    .description(description)
    .addOption(new Option('--json', 'print one JSON value, for scripts'))
    .addHelpText('after', () => exampleLines(path) + exitCodeLines)
    .configureOutput(quietWithJson)
    .exitOverride();
}

/** Known before the command line is understood: even what is wrong with it is told as asked for. */
const wantsJson = process.argv.includes('--json');
const quietWithJson = {
  writeErr: (text: string) => {
    if (!wantsJson) process.stderr.write(text);
  },
};

async function act(self: Command, body: (output: Output) => Promise<number>): Promise<void> {
  try {
    process.exitCode = await body(makeOutput(wantsJson));
  } catch (error) {
    if (error instanceof CommanderError) throw error;
    process.exitCode = reportFailure(error, self.opts().json === true);
  }
}

function whole(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new UsageError(
    `Expected a whole number from 1 up, got \`${text}\``,
    '`furrow help COMMAND` shows the options.',
  );
}

// A closed pipe (`furrow runs | head`) is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) =>
  process.exit(error.code === 'EPIPE' ? exitCodes.ok : exitCodes.failed),
);

/** Ends the process once all that was said has left: what is written to a pipe leaves in its own time. */
function end(code?: number | string): void {
  process.stdout.write('', () => process.exit(code ?? exitCodes.ok));
}

program()
  .parseAsync()
  .then(
    // Open connections would keep the process for a while; all has been said.
    () => end(process.exitCode ?? exitCodes.ok),
    (error: unknown) => {
      if (!(error instanceof CommanderError)) return end(reportFailure(error, wantsJson));
      if (error.exitCode === 0) return end();
      if (wantsJson)
        reportFailure(
          new UsageError(error.message.replace(/^error: /, ''), '`furrow help COMMAND` shows the options.'),
          true,
        );
      return end(exitCodes.usage);
    },
  );
