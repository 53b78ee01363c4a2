import { condition } from '@temporalio/workflow';
import { FurrowError } from '../contract/errors.ts';

/** What waited for a person starts anew. */
export class Withdrawn extends Error {}

export interface ApprovalRules {
  /** A person has this long. */
  readonly seconds: number;
  isPaused(): boolean;
  /** The stage is to start anew. */
  isWithdrawn(name: string): boolean;
}

/** Which stages a person has let start. */
export class Approvals {
  readonly #given = new Set<string>();
  readonly #rules: ApprovalRules;

  constructor(rules: ApprovalRules) {
    this.#rules = rules;
  }

  has(name: string): boolean {
    return this.#given.has(name);
  }

  give(name: string): void {
    this.#given.add(name);
  }

  takeBack(name: string): void {
    this.#given.delete(name);
  }

  /**
   * @param tell until when it waits
   * @throws FurrowError `NOT_APPROVED`; {@link Withdrawn}
   */
  async wait(name: string, tell: (until: string) => void): Promise<void> {
    const { seconds, isPaused, isWithdrawn } = this.#rules;
    const isAnswered = () => this.has(name) || isWithdrawn(name);
    for (;;) {
      const until = new Date(Date.now() + seconds * 1000).toISOString();
      tell(until);
      await condition(isAnswered, seconds * 1000);
      if (isWithdrawn(name)) throw new Withdrawn();
      if (this.has(name)) return;
      if (!isPaused()) throw new FurrowError('NOT_APPROVED', `Nobody approved ${name} until ${until}`);
      // Whoever paused the run has its time, too.
      await condition(() => isAnswered() || !isPaused());
    }
  }
}
