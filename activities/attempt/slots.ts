/** Exclusive stages that may run at once in this process: each takes the whole GPU, or all cores, and gigabytes. */
let slots = 1;
let taken = 0;
const waiting: (() => void)[] = [];

/** For `--parallel-trainings`; before the first one. */
export function allowExclusive(parallel: number): void {
  slots = parallel;
}

/**
 * Runs `act` when a slot is free, whatever queue its task came from.
 *
 * @param onWait told once when it has to wait
 */
export async function inSlot<T>(signal: AbortSignal, onWait: () => void, act: () => Promise<T>): Promise<T> {
  if (taken >= slots) {
    onWait();
    await turn(signal);
  } else {
    taken++;
  }
  try {
    return await act();
  } finally {
    const next = waiting.shift();
    // The slot goes from hand to hand: nobody who comes now can take it in between.
    if (next) next();
    else taken--;
  }
}

function turn(signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const go = () => {
      signal.removeEventListener('abort', leave);
      resolve();
    };
    const leave = () => {
      waiting.splice(waiting.indexOf(go), 1);
      reject(signal.reason);
    };
    signal.addEventListener('abort', leave, { once: true });
    waiting.push(go);
  });
}
