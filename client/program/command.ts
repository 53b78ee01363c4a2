import { type Command, CommanderError, Option } from 'commander';
import { exampleLines, exitCodeLines } from '../help.ts';
import { makeOutput, type Output, reportFailure, UsageError } from '../output.ts';

export const collect = (value: string, all: string[] = []) => [...all, value];
export const list = (value: string, all: string[] = []) => [...all, ...value.split(',').filter(Boolean)];

export function command(parent: Command, name: string, description: string): Command {
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
export const wantsJson = process.argv.includes('--json');
export const quietWithJson = {
  writeErr: (text: string) => {
    if (!wantsJson) process.stderr.write(text);
  },
};

/** Runs a command's body; tells its failure, and ends with its exit code. */
export async function act(self: Command, body: (output: Output) => Promise<number>): Promise<void> {
  try {
    process.exitCode = await body(makeOutput(wantsJson));
  } catch (error) {
    if (error instanceof CommanderError) throw error;
    process.exitCode = reportFailure(error, self.opts().json === true);
  }
}

export function whole(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new UsageError(
    `Expected a whole number from 1 up, got \`${text}\``,
    '`furrow help COMMAND` shows the options.',
  );
}
