import { homeFile, type ReadyState, removeUpState, type UpState, writeUpState } from '../lib/home/home.ts';

/** Milliseconds after which a state that could not be written is written again. */
const writeAgain = 1000;

export type StateChange = Partial<Omit<ReadyState, 'phase'>> & { readonly phase?: UpState['phase'] };

export interface UpStateFile {
  /** Written at once, or as soon as that can be: a disk that is full for a while must not end what is up. */
  update(change: StateChange): void;
  remove(): void;
}

/**
 * What a supervisor says in `home` about itself, from now on.
 *
 * @param say told once when it cannot be written, and when it can again
 * @throws when it cannot be written at all: nobody would find the supervisor
 */
export function keepUpState(home: string, first: UpState, say: (line: string) => void): UpStateFile {
  let state = first;
  let again: NodeJS.Timeout | undefined;
  writeUpState(home, state);

  const write = () => {
    const late = again !== undefined;
    clearTimeout(again);
    again = undefined;
    try {
      writeUpState(home, state);
      if (late) say(`${homeFile(home, 'state')} is written again`);
    } catch (error) {
      if (!late) say(`${homeFile(home, 'state')} is out of date until it can be written: ${error}`);
      again = setTimeout(write, writeAgain);
    }
  };
  return {
    update(change) {
      state = { ...state, ...change } as UpState;
      write();
    },
    remove() {
      clearTimeout(again);
      removeUpState(home);
    },
  };
}
