import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { productRoot } from '../lib/code/root.ts';
import { environmentLines, exitCodeLines } from './help.ts';
import { exitCodes, reportFailure, UsageError } from './output.ts';
import { quietWithJson, wantsJson } from './program/command.ts';
import { addInstallation } from './program/installation.ts';
import { addInterventions } from './program/interventions.ts';
import { addPipelines } from './program/pipelines.ts';
import { addRuns } from './program/runs.ts';
import { addTracking } from './program/tracking.ts';

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

  addRuns(furrow);
  addInterventions(furrow);
  addPipelines(furrow);
  addTracking(furrow);
  addInstallation(furrow);
  return furrow;
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
