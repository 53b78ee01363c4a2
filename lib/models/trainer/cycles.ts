/** Epochs in which the learning rate goes down once: all of them, or one part for each snapshot. */
export interface Cycle {
  /** The cycle's first epoch, and the one after its last. */
  readonly from: number;
  readonly to: number;
}

/** The cycle that an epoch is in. Cycles end with epochs, and differ by one epoch at most. */
export function cycleAt(epoch: number, { epochs, snapshots }: { epochs: number; snapshots: number }): Cycle {
  const number = Math.min(snapshots - 1, Math.floor(((epoch + 1) * snapshots - 1) / epochs));
  return { from: Math.floor((number * epochs) / snapshots), to: Math.floor(((number + 1) * epochs) / snapshots) };
}
