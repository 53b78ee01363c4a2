import { InterruptedError } from './output.ts';

export interface StopSignals {
  readonly signal: AbortSignal;
  /** Gives the signals back to whoever handles them next. */
  release(): void;
}

/**
 * Ctrl-C, a service manager's SIGTERM, a terminal that is closed: from now on told as an abort, so that what this command has started
 * is ended before the command is.
 */
export function stopSignals(): StopSignals {
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const asked = new AbortController();
  const onSignal = () => asked.abort(new InterruptedError());
  for (const name of names) process.on(name, onSignal);
  return {
    signal: asked.signal,
    release() {
      for (const name of names) process.off(name, onSignal);
    },
  };
}
