import type { TrackedState } from '../trackedRun.ts';

/** What W&B shows of an exit code: 0 is finished, any other failed; 255 is what `wandb` itself reports after an interrupt. A run that crashed has none: nobody says how it ended. */
export const exitCodes: Readonly<Partial<Record<TrackedState, number>>> = { finished: 0, failed: 1, cancelled: 255 };
