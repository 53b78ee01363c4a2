import type { Command } from 'commander';
import { act, collect, command } from './command.ts';

/** What a person does about a run that goes on, is held, or has ended. */
export function addInterventions(furrow: Command): void {
  furrow.commandsGroup('Acting on a run:');
  const run = ['[run]', 'the workflow id (default: the newest)'] as const;

  command(furrow, 'retry', 'replay what failed in a run, and what depends on it; nothing that is finished runs again')
    .argument(...run)
    .argument('[stage]', 'only this failed stage')
    .option('-s, --set <path=value>', 'override a value first: convnet.epochs=5', collect)
    .option('-d, --detach', 'return when it goes on')
    .action(async (name: string | undefined, stage: string | undefined, options, self: Command) =>
      act(self, async (output) => (await import('../commands/retry.ts')).retry(name, stage, options, output)),
    );

  command(furrow, 'approve', 'let a stage with `approval: true` start')
    .argument(...run)
    .argument('[stage]', 'its name (default: the one that waits)')
    .action(async (name: string | undefined, stage: string | undefined, _, self: Command) =>
      act(self, async (output) => (await import('../commands/interventions.ts')).approve(name, stage, output)),
    );

  command(furrow, 'pause', 'start nothing more of a run; its trainings checkpoint and free their worker')
    .argument(...run)
    .action(async (name: string | undefined, _, self: Command) =>
      act(self, async (output) => (await import('../commands/interventions.ts')).pause(name, output)),
    );

  command(furrow, 'resume', 'let a paused run go on')
    .argument(...run)
    .action(async (name: string | undefined, _, self: Command) =>
      act(self, async (output) => (await import('../commands/interventions.ts')).resume(name, output)),
    );

  command(furrow, 'cancel', 'end a run; what is finished stays, and checkpoints do')
    .argument(...run)
    .action(async (name: string | undefined, _, self: Command) =>
      act(self, async (output) => (await import('../commands/cancel.ts')).cancel(name, output)),
    );

  command(furrow, 'reset', 'take a run back to where a stage began, and run that stage again')
    .argument(...run)
    .requiredOption('--to <stage>', 'the stage')
    .option('-d, --detach', 'return when it goes on')
    .action(async (name: string | undefined, options, self: Command) =>
      act(self, async (output) => (await import('../commands/reset.ts')).reset(name, options, output)),
    );
}
