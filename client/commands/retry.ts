import { loadContracts } from '../../activities/attempt/catalog.ts';
import type { ResolvedPipeline } from '../../contract/config.ts';
import { FurrowError } from '../../contract/errors.ts';
import type { JsonObject } from '../../contract/json.ts';
import { isOpen, type RetryRequest, type RunRecord, type StageState, updateNames } from '../../contract/messages.ts';
import { parseSet } from '../../lib/config/overrides.ts';
import { parsePipeline } from '../../lib/config/parsePipeline.ts';
import { writePipeline } from '../../lib/config/writePipeline.ts';
import { exitCodes, type Output, UsageError } from '../output.ts';
import { problemLines } from '../pipelineFile.ts';
import { ask, openRun, type RunHandle, recordOf } from '../runHandle.ts';
import { followStarted, startRun } from '../startRun.ts';

export interface RetryOptions {
  /** `path=value`, as written. */
  readonly set?: readonly string[];
  readonly detach?: boolean;
}

/**
 * `furrow retry RUN [STAGE]`: replays what has failed and what depends on it. A run that goes on takes it up where it is; an ended
 * one goes on under the same workflow id, from what is finished in the store.
 */
export async function retry(
  name: string | undefined,
  stage: string | undefined,
  options: RetryOptions,
  output: Output,
): Promise<number> {
  const set = parseSet(options.set ?? []);
  const run = await openRun(name);
  const record = await recordOf(run);
  const failed = stage === undefined ? undefined : failedStage(record, stage);
  const { config } = record;
  if (!config) {
    throw new UsageError(`${run.workflowId} ended before it was planned`, 'Start it again with `furrow run FILE`.');
  }
  const problems = await problemsOf(config, set);
  if (problems.length > 0) {
    output.answer({ run: run.workflowId, valid: false, problems }, () => [
      'Nothing was started:',
      ...problemLines(problems),
    ]);
    return exitCodes.usage;
  }
  const { detach = false } = options;
  if (!isOpen(record.status)) return startAgain(run, record, config, { set, detach }, output);
  const request: RetryRequest = {
    ...(failed && { stage: failed.name, replay: failed.replay }),
    ...(Object.keys(set).length > 0 && { set }),
  };
  const { stages } = await ask(run, updateNames.retry, request);
  output.say(`Replaying ${stages.join(', ')}`);
  return followStarted(run, detach, output);
}

/** Checked here as well, so that what is mistyped changes nothing. */
async function problemsOf(config: ResolvedPipeline, set: JsonObject) {
  const contracts = await loadContracts();
  const outcome = parsePipeline({ text: writePipeline(config), file: 'the run', set, contracts });
  return outcome.ok ? [] : outcome.problems;
}

function failedStage({ run, stages }: RunRecord, name: string): StageState {
  const stage = stages.find((candidate) => candidate.name === name);
  if (!stage) {
    const names = stages.map((candidate) => candidate.name).join(', ') || 'none that are known';
    throw new UsageError(`${run.workflowId} has no stage ${name}`, `Its stages: ${names}.`);
  }
  if (stage.status !== 'finished' && stage.status !== 'cached') return stage;
  throw new FurrowError(
    'WRONG_STATE',
    `${name} is ${stage.status}: there is nothing to retry. \`furrow reset ${run.workflowId} --to ${name}\` runs it again`,
  );
}

/** A new run under the same id; whatever of the old one is finished is found in the store. */
async function startAgain(
  { client, target, workflowId, runId }: RunHandle,
  record: RunRecord,
  config: ResolvedPipeline,
  { set, detach }: { set: JsonObject; detach: boolean },
  output: Output,
): Promise<number> {
  if (record.status === 'finished' && Object.keys(set).length === 0) {
    throw new FurrowError(
      'WRONG_STATE',
      `${workflowId} has finished: there is nothing to retry. \`furrow reset ${workflowId} --to STAGE\` runs a stage again`,
    );
  }
  const { store, baseFolder = process.cwd() } = record;
  return startRun(
    { client, target },
    {
      workflowId,
      summary: `${config.name} (retry of ${runId})`,
      input: {
        config: { file: `run ${workflowId}`, text: writePipeline(config), baseFolder, env: {} },
        replayOf: runId,
        ...(Object.keys(set).length > 0 && { set }),
        ...(store && { store }),
      },
      detach,
    },
    output,
  );
}
