export interface Turn {
  /** Whoever still waits gives up when it is aborted. */
  readonly signal?: AbortSignal;
  /** Told once when it has to wait. */
  onWait?(): void;
}

/** @returns runs what it is given, at most so many at once; the others wait for their turn */
export function limited(most: number): <T>(act: () => Promise<T>, turn?: Turn) => Promise<T> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (act, { signal, onWait } = {}) => {
    if (running >= most) {
      onWait?.();
      await joinQueue(waiting, signal);
    } else running++;
    try {
      return await act();
    } finally {
      // A place goes from hand to hand: nobody who comes now can take it in between.
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  };
}

function joinQueue(waiting: (() => void)[], signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const go = () => {
      signal?.removeEventListener('abort', leave);
      resolve();
    };
    const leave = () => {
      waiting.splice(waiting.indexOf(go), 1);
      reject(signal?.reason);
    };
    signal?.addEventListener('abort', leave, { once: true });
    waiting.push(go);
  });
}
