import type { Context } from '@temporalio/activity';
import type { StageTask } from '../../contract/messages.ts';
import { redact, redactJson } from '../../contract/redact.ts';
import type { StageLog } from '../../contract/stage.ts';

/** Lines of a failed attempt's log, and characters of each, that its failure carries into history. */
const keptLines = 10;
const longestLine = 300;

export interface AttemptLog extends StageLog {
  /** The last lines, oldest first: what a person reads first when the attempt has failed. */
  tail(): readonly string[];
}

/** The worker's log, with the stage's name on every line and no secret in any. */
export function attemptLog(context: Context, task: StageTask, secrets: readonly string[]): AttemptLog {
  const kept: string[] = [];
  const line =
    (level: 'info' | 'warn'): StageLog['info'] =>
    (message, fields) => {
      const clean = redact(message, secrets);
      context.log[level](clean, { stage: task.stage, ...(fields && redactJson(fields, secrets)) });
      kept.push(`${new Date().toISOString().slice(11, 19)} ${redact(clean, [], longestLine)}`);
      if (kept.length > keptLines) kept.shift();
    };
  return { info: line('info'), warn: line('warn'), tail: () => [...kept] };
}
