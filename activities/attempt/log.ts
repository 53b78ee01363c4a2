import type { Context } from '@temporalio/activity';
import type { StageTask } from '../../contract/messages.ts';
import { redact, redactJson } from '../../contract/redact.ts';
import type { StageLog } from '../../contract/stage.ts';

/** The worker's log, with the stage's name on every line and no secret in any. */
export function attemptLog(context: Context, task: StageTask, secrets: readonly string[]): StageLog {
  const line =
    (level: 'info' | 'warn'): StageLog['info'] =>
    (message, fields) => {
      context.log[level](redact(message, secrets), {
        stage: task.stage,
        ...(fields && redactJson(fields, secrets)),
      });
    };
  return { info: line('info'), warn: line('warn') };
}
