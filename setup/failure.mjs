// @ts-check
/** A failure that a person can act on: what failed, why, and what to do about it. */
export class SetupFailure extends Error {
  /** @param {{ what: string, why: string, todo: string | string[], cause?: unknown }} facts */
  constructor({ what, why, todo, cause }) {
    super(`${what}: ${why}`, { cause });
    this.name = 'SetupFailure';
    this.what = what;
    this.why = why;
    this.todo = [todo].flat();
  }

  /** The text shown at the end of a failed set-up. */
  report() {
    const steps = this.todo.map((line) => `  - ${line}`).join('\n');
    return `\n${this.what}\n  why: ${this.why}\nWhat to do:\n${steps}\n`;
  }
}

/**
 * One line that says why, down to the cause that names the host or file.
 * @param {unknown} error
 * @returns {string}
 */
export function reason(error) {
  if (!(error instanceof Error)) return String(error);
  // A connection that failed on several addresses comes as an AggregateError without a message.
  const inner = error instanceof AggregateError ? error.errors[0] : error.cause;
  const own = error.message.trim();
  if (inner instanceof Error && inner.message && !own.includes(inner.message)) {
    return own ? `${own} (${reason(inner)})` : reason(inner);
  }
  return own || error.name;
}
