import { proxyActivities } from '@temporalio/workflow';

const { pass } = proxyActivities<{ pass(): Promise<void> }>({ startToCloseTimeout: '1 minute' });

/** As many activities as stages, one after another or all at once, and nothing else. */
export async function bare(stages: number, atOnce: boolean): Promise<void> {
  if (atOnce) await Promise.all(Array.from({ length: stages }, () => pass()));
  else for (let stage = 0; stage < stages; stage++) await pass();
}
