import type { Command } from 'commander';
import { act, command, quietWithJson } from './command.ts';

/** What shows runs elsewhere. */
export function addTracking(furrow: Command): void {
  const tracking = furrow.command('tracking').description('show runs at Weights & Biases').exitOverride();
  tracking.configureOutput(quietWithJson);

  command(tracking, 'sync', 'send to W&B what it lacks of a run; done twice, nothing changes')
    .argument('[run]', 'the workflow id (default: the newest)')
    .option('--all', 'every run that the store knows, the forgotten ones, too')
    .option('--store <place>', 'with --all: a folder, or gs://BUCKET/PREFIX', '.furrow/store')
    .option('--project <name>', "the project at W&B (default: the run's own, else its pipeline)")
    .option('--entity <name>', "the user or team at W&B (default: the run's own, else the key's)")
    .action(async (run: string | undefined, options, self: Command) =>
      act(self, async (output) => (await import('../commands/tracking.ts')).sync(run, options, output)),
    );
}
