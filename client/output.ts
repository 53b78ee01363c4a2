import { FurrowError, failures } from '../contract/errors.ts';
import { redact } from '../contract/redact.ts';
import { environmentSecrets } from '../lib/secrets/secrets.ts';

/** What a script can tell from how the command ended. */
export const exitCodes = {
  ok: 0,
  /** The run, or what was asked for, failed. */
  failed: 1,
  /** The command line or the pipeline file is wrong; nothing was started. */
  usage: 2,
  /** Temporal, the set-up or a worker is not there. */
  unavailable: 3,
  /** The run waits for a person: a stage has failed, or needs approval. */
  held: 4,
  /** Ctrl-C: the run goes on without us, or was not started. */
  detached: 130,
} as const;

/** What was asked for cannot be meant; nothing was started. */
export class UsageError extends Error {
  readonly action: string;

  constructor(message: string, action: string) {
    super(message);
    this.action = action;
  }
}

/** Ctrl-C, or another wish to stop, before what was asked for was under way. */
export class InterruptedError extends Error {
  constructor() {
    super('Stopped before it was up');
  }
}

export interface Output {
  readonly json: boolean;
  /** A line for a person; nothing with `--json`. */
  say(line: string): void;
  /** The answer of a command, once: its JSON with `--json`, else the lines. */
  answer(value: unknown, lines: () => readonly string[]): void;
}

/** With `--json`, what a script reads is one value: what fails after the answer is told beside it, on stderr. */
let answered = false;

export function makeOutput(json: boolean): Output {
  return {
    json,
    say: (line) => {
      if (!json) process.stdout.write(`${line}\n`);
    },
    answer: (value, lines) => {
      answered = true;
      process.stdout.write(
        json
          ? `${JSON.stringify(value, null, 2)}\n`
          : lines()
              .map((line) => `${line}\n`)
              .join(''),
      );
    },
  };
}

/** Tells why the command failed, and what to do; returns the exit code. */
export function reportFailure(error: unknown, json: boolean): number {
  const { code, action, exitCode } = classify(error);
  const message = redact(error instanceof Error ? error.message : String(error), environmentSecrets(), 20_000);
  if (json && !answered) process.stdout.write(`${JSON.stringify({ error: { code, message, action } }, null, 2)}\n`);
  else process.stderr.write(`${code}: ${message}\n${action}\n`);
  if (process.env.FURROW_DEBUG && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  return exitCode;
}

function classify(error: unknown): { code: string; action: string; exitCode: number } {
  if (error instanceof UsageError) return { code: 'USAGE', action: error.action, exitCode: exitCodes.usage };
  if (error instanceof InterruptedError)
    return { code: 'INTERRUPTED', action: 'What was started has been ended again.', exitCode: exitCodes.detached };
  const code =
    error instanceof FurrowError ? error.code : isServerGone(error) ? 'SERVER_UNREACHABLE' : ('INTERNAL' as const);
  const { action } = failures[code];
  if (code === 'CONFIG_INVALID' || code === 'CONFIG_NOT_FOUND') return { code, action, exitCode: exitCodes.usage };
  if (code === 'SERVER_UNREACHABLE' || code === 'SETUP_INCOMPLETE' || code === 'BACKEND_MISSING')
    return { code, action, exitCode: exitCodes.unavailable };
  return { code, action, exitCode: exitCodes.failed };
}

/** https://grpc.io/docs/guides/status-codes/ */
const grpc = { cancelled: 1, deadlineExceeded: 4, unavailable: 14 } as const;

/** Temporal ended, or cannot be reached any more, in the middle of a call. Not by class: that would load the client here. */
export function isServerGone(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code, metadata } = at as { code?: unknown; metadata?: unknown };
    if (metadata === undefined) continue;
    if (code === grpc.unavailable || code === grpc.deadlineExceeded || code === grpc.cancelled) return true;
  }
  return false;
}

/** Rows as columns of equal width. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** `40 s`, `12 min`, `3 h 20 min`. */
export function durationText(seconds: number): string {
  if (seconds < 100) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 100 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function shortNumber(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toPrecision(4);
}
