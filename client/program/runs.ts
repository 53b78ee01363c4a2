import { type Command, Option } from 'commander';
import { onFailures } from '../../contract/config.ts';
import { runStatuses } from '../../contract/messages.ts';
import { act, collect, command, list, quietWithJson, whole } from './command.ts';

/** What starts runs, and what looks at them. */
export function addRuns(furrow: Command): void {
  furrow.commandsGroup('Runs:');

  command(furrow, 'run', 'check a pipeline, run it, and follow it; Ctrl-C leaves it running')
    .argument('[file]', 'the pipeline (default: configs/nitrogen.yaml)')
    .option('-s, --set <path=value>', 'override a value: convnet.epochs=5, seed=7', collect)
    .option('--no-cache', 'run every stage, whatever is there')
    .option('--refresh <stages>', 'run these stages although their results are there', list)
    .addOption(
      new Option('--on-failure <what>', 'once a stage has failed for good: hold the run for a person, or fail').choices(
        onFailures,
      ),
    )
    .option('-d, --detach', 'return when the run has started')
    .option('--id <id>', 'the workflow id (default: the pipeline and 8 digits)')
    .action(async (file: string | undefined, options, self: Command) =>
      act(self, async (output) => (await import('../commands/run.ts')).run(file, options, output)),
    );

  command(furrow, 'watch', 'follow a run that goes on; Ctrl-C leaves it running')
    .argument('[run]', 'the workflow id (default: the newest)')
    .action(async (run: string | undefined, _, self: Command) =>
      act(self, async (output) => (await import('../commands/watch.ts')).watch(run, output)),
    );

  command(furrow, 'show', 'show a run with its stages, as it stands')
    .argument('[run]', 'the workflow id (default: the newest)')
    .action(async (run: string | undefined, _, self: Command) =>
      act(self, async (output) => (await import('../commands/show.ts')).show(run, output)),
    );

  command(furrow, 'runs', 'list runs, newest first')
    .option('-n, --limit <n>', 'how many', whole, 20)
    .option('--pipeline <name>', 'only those of this pipeline')
    .addOption(new Option('--status <status>', 'only those').choices(runStatuses))
    .action(async (options, self: Command) =>
      act(self, async (output) => (await import('../commands/runs.ts')).runs(options, output)),
    );

  command(furrow, 'get', 'copy the files that a stage made into a folder')
    .argument('<stage>', 'its name in the pipeline')
    .option('-r, --run <id>', 'the workflow id (default: the newest run)')
    .option('--to <folder>', 'where to (default: a folder named like the stage)')
    .action(async (stage: string, options, self: Command) =>
      act(self, async (output) => (await import('../commands/get.ts')).get(stage, options, output)),
    );

  const data = furrow.command('data').description('look at the data that runs were made of').exitOverride();
  data.configureOutput(quietWithJson);
  const fetching = new Option('--stage <name>', 'the stage that fetched it, where there are several');

  command(data, 'show', 'which version of the data a run was made of, and where it came from')
    .argument('[run]', 'the workflow id (default: the newest)')
    .addOption(fetching)
    .action(async (run: string | undefined, options, self: Command) =>
      act(self, async (output) => (await import('../commands/data.ts')).showData(run, options, output)),
    );

  command(data, 'diff', 'which plots were added, removed or changed from one run to another')
    .argument('[a]', 'the workflow id (default: the run before the newest, of the same pipeline)')
    .argument('[b]', 'the workflow id (default: the newest)')
    .addOption(fetching)
    .action(async (a: string | undefined, b: string | undefined, options, self: Command) =>
      act(self, async (output) => (await import('../commands/data.ts')).diffData(a, b, options, output)),
    );
}
