/** Whether a run did the work of a finished stage again. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import type { RunRecord } from '../../contract/messages.ts';
import { manifestName } from '../../lib/store/names.ts';
import type { Resume } from './watch.ts';

/** A resume is seen a moment after it was logged. */
const seenLate = 1000;

/** The stages that were finished more than once, with what says so. */
export async function finishedTwice(
  handle: WorkflowHandle,
  { stages }: RunRecord,
  store: string,
  resumes: readonly Resume[],
): Promise<string[]> {
  const completed = await completedActivities(handle);
  return stages.flatMap(({ name, key, replay }) => {
    const manifest = key && join(store, manifestName(key));
    const versions = manifest === undefined ? [] : readdirSync(manifest);
    const since = manifest && versions[0] ? statSync(join(manifest, versions[0])).mtimeMs : Number.POSITIVE_INFINITY;
    const late = resumes.filter(({ stage, at }) => stage === name && at > since + seenLate);
    return [
      ...(replay > 0 ? [`${name} was replayed ${replay} times`] : []),
      ...((completed.get(name) ?? 0) > 1 ? [`${name} has ${completed.get(name)} activities that completed`] : []),
      ...(versions.length > 1 ? [`${name} has ${versions.length} manifests`] : []),
      ...late.map(({ step }) => `${name} went on from step ${step} when it was finished`),
    ];
  });
}

/** How often an activity of each stage completed, by the run's history; the questions to sources are not counted. */
async function completedActivities(handle: WorkflowHandle): Promise<ReadonlyMap<string, number>> {
  const { events } = await handle.fetchHistory();
  const scheduled = new Map<string, string>();
  const completed = new Map<string, number>();
  for (const { eventId, activityTaskScheduledEventAttributes, activityTaskCompletedEventAttributes } of events ?? []) {
    const id = activityTaskScheduledEventAttributes?.activityId;
    if (id) scheduled.set(String(eventId), id);
    if (!activityTaskCompletedEventAttributes) continue;
    const [name, of] = (scheduled.get(String(activityTaskCompletedEventAttributes.scheduledEventId)) ?? '').split('#');
    if (name && of && !name.endsWith('.resolve')) completed.set(name, (completed.get(name) ?? 0) + 1);
  }
  return completed;
}
