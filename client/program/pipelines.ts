import type { Command } from 'commander';
import { act, collect, command } from './command.ts';

/** What a pipeline file can say. */
export function addPipelines(furrow: Command): void {
  furrow.commandsGroup('Pipeline files:');

  command(furrow, 'validate', 'check a pipeline file and list every problem, with its place')
    .argument('[file]', 'the pipeline (default: configs/nitrogen.yaml)')
    .option('-s, --set <path=value>', 'override a value', collect)
    .action(async (file: string | undefined, options, self: Command) =>
      act(self, async (output) => (await import('../commands/validate.ts')).validate(file, options, output)),
    );

  command(furrow, 'stages', 'list the stages that a pipeline can use, or the parameters of one')
    .argument('[stage]', 'its name')
    .action(async (stage: string | undefined, _, self: Command) =>
      act(self, async (output) => (await import('../commands/stages.ts')).stages(stage, output)),
    );

  command(furrow, 'schema', 'print the JSON schema of pipeline files, for editors').action(async (_, self: Command) =>
    act(self, async () => (await import('../commands/schema.ts')).schema()),
  );
}
