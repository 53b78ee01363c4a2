/**
 * How a stage works, which decides its timeouts and retries. One table, with the reason for each row; times in seconds.
 *
 * A heartbeat timeout of 15 s lets a dead worker be noticed within 20 s (15 s, and the server's own timers), however long the
 * attempt may take. Attempts are always bounded: a payload over Temporal's limit fails retryably, for ever.
 */
export const work = {
  /** Asks a source what it holds, looks a key up: short, safe to repeat. */
  query: { startToClose: 5 * 60, heartbeat: 15, attempts: 5, firstBackoff: 0.2 },
  /** Moves bytes; the far side may be away for minutes. */
  transfer: { startToClose: 6 * 3600, heartbeat: 15, attempts: 8, firstBackoff: 1 },
  /** Computes for seconds to an hour; most of what fails there fails the same way again. */
  compute: { startToClose: 3 * 3600, heartbeat: 15, attempts: 3, firstBackoff: 0.5 },
  /** Trains for hours; each attempt goes on from the newest checkpoint, so a lost attempt costs little. */
  training: { startToClose: 7 * 24 * 3600, heartbeat: 15, attempts: 20, firstBackoff: 1 },
} as const;

export type Work = keyof typeof work;

/** Seconds between two attempts never grow past this: a worker that comes back should not find its work asleep. */
export const longestBackoff = 15;
