import { Context } from '@temporalio/activity';
import { FurrowError } from '../../contract/errors.ts';
import type {
  LookupResult,
  Plan,
  PlanRequest,
  Replanned,
  ReplanRequest,
  RunRecord,
  SendTrackingRequest,
  SentTracking,
  StageResult,
  StageTask,
  StoreLocation,
} from '../../contract/messages.ts';
import type { SourceVersion, Stage } from '../../contract/stage.ts';
import { environmentSecrets } from '../../lib/secrets/secrets.ts';
import { lookUp } from '../../lib/store/manifests.ts';
import { saveRunRecord } from '../../lib/store/runRecords.ts';
import { openStoreAt } from '../../lib/store/store.ts';
import type { Given } from './attempt.ts';
import type { StageCode } from './catalog.ts';
import { toFailure } from './failure.ts';
import { keyOf } from './key.ts';
import { makePlan, type PlanSettings } from './plan.ts';
import { replan } from './replan.ts';
import { resolveStage, runStage } from './runStage.ts';
import { sendTracking } from './tracking.ts';

/** The activities that are no stage, by the names that the workflow calls them by. */
export interface FurrowActivities {
  plan(request: PlanRequest): Promise<Plan>;
  replan(request: ReplanRequest): Promise<Replanned>;
  lookUpStage(task: StageTask): Promise<LookupResult>;
  saveRecord(store: StoreLocation, record: RunRecord, sequence: number): Promise<string>;
  sendTracking(request: SendTrackingRequest): Promise<SentTracking>;
}

/** Everything that a worker registers: the activities above, each stage under its name, and `NAME.resolve` for sources. */
export function workerActivities(
  code: StageCode,
  settings: PlanSettings,
): Record<string, (...args: never[]) => Promise<unknown>> {
  const own: FurrowActivities = {
    plan: (request) => orFailure(() => makePlan(code, settings, request)),
    replan: (request) => orFailure(() => replan(code, request)),
    lookUpStage: (task) => orFailure(() => lookUpStage(code, task)),
    saveRecord: (location, record, sequence) =>
      orFailure(async () => saveRunRecord(await openStoreAt(location), record, sequence)),
    sendTracking: (request) => orFailure(() => sendTracking(request, settings)),
  };
  const stages = [...code.catalog.values()].flatMap((stage) =>
    Object.entries(stageActivities(stage, { code, settings })),
  );
  return { ...own, ...Object.fromEntries(stages), default: unknownStage };
}

function stageActivities(
  stage: Stage,
  around: Pick<Given, 'code' | 'settings'>,
): Record<string, (task: StageTask) => Promise<StageResult | SourceVersion>> {
  const { name, kind } = stage.contract;
  return {
    [name]: (task) => runStage({ ...around, stage, task }),
    ...(kind === 'source' && { [`${name}.resolve`]: (task: StageTask) => resolveStage({ ...around, stage, task }) }),
  };
}

/** For stages of other queues, on the workflow's own worker. */
async function lookUpStage({ catalog, fingerprintOf }: StageCode, task: StageTask): Promise<LookupResult> {
  const stage = catalog.get(task.uses);
  if (!stage || fingerprintOf(task.uses) !== task.fingerprint) throw otherCode(task.uses);
  const key = keyOf(stage.contract, task);
  const known = await lookUp(await openStoreAt(task.store), key);
  return known && !known.broken ? { key, finished: known.finished } : { key };
}

/** Where an activity's type is none of ours: a stage that another worker's build has. */
async function unknownStage(): Promise<never> {
  throw toFailure(otherCode(Context.current().info.activityType), []);
}

function otherCode(uses: string): FurrowError {
  return new FurrowError('FINGERPRINT_MISMATCH', `This worker's build has no such stage ${uses}`, {
    details: { uses },
  });
}

async function orFailure<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw toFailure(error, environmentSecrets());
  }
}
