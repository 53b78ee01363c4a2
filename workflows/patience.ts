import { sleep } from '@temporalio/workflow';
import { awayLimit, isAway } from '../contract/errors.ts';
import type { StageFailure } from '../contract/messages.ts';

/** Seconds between two offers of a task that a worker with other code gave back, and how long a run waits for a right one. */
const handBackWait = 10;
const handBackLimit = 15 * 60;

/** Seconds before what is away is tried again: at first often, as most of it is back soon; a run's history holds each try. */
const firstAwayWait = 10;
const longestAwayWait = 60;

/** Waits, within limits, for what is nobody's failure: a worker with the run's code, a store that is away. */
export class Patience {
  #forCode = 0;
  #forAway = 0;
  #awayWait = firstAwayWait;

  /**
   * Sleeps a while where waiting may help.
   *
   * @param tell why, for people who watch
   * @returns false when it is no such failure, or has been waited for long enough
   */
  async with(failure: StageFailure, tell: (notice: string) => void): Promise<boolean> {
    if (failure.code === 'FINGERPRINT_MISMATCH' && this.#forCode < handBackLimit) {
      tell(`${failure.message}; waiting for a worker with the run's code`);
      this.#forCode += handBackWait;
      await sleep(handBackWait * 1000);
      return true;
    }
    if (isAway(failure.code) && this.#forAway < awayLimit) {
      tell(`${failure.code}: ${failure.message}; trying again in ${this.#awayWait} s. ${failure.action}`);
      const wait = this.#awayWait;
      this.#forAway += wait;
      this.#awayWait = Math.min(2 * wait, longestAwayWait);
      await sleep(wait * 1000);
      return true;
    }
    return false;
  }

  /** It went on: what it has to wait for from now on, it waits for anew. */
  renew(): void {
    this.#forCode = 0;
    this.#forAway = 0;
    this.#awayWait = firstAwayWait;
  }
}
