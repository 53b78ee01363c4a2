/** One side of the comparison: a child process that trains when told to, and otherwise waits at its standard input. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { batchWork } from '../../lib/models/child/batchWork.ts';
import { processMemory } from '../../lib/models/child/memory.ts';

/** Of a side's standard error, what is kept to say why it ended. */
const stderrTail = 2_000;

export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** What a side is asked, a line of JSON each; `error` in its answer says why not. */
export interface Commands {
  /** @param weights file without ending to start from, as the agreement wants it */
  start: { readonly command: object; readonly answer: { readonly weights: number } };
  steps: { readonly command: { readonly count: number }; readonly answer: StepsAnswer };
  /** Products of square float32 matrices. */
  products: { readonly command: { readonly size: number; readonly count: number }; readonly answer: { ms: number[] } };
  threads: { readonly command: { readonly threads: number }; readonly answer: { readonly version: string } };
}

export interface StepsAnswer {
  readonly ms: readonly number[];
  readonly losses: readonly number[];
  /** Ours: tensors that TensorFlow holds for us. */
  readonly tensors?: number;
}

export class Side {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #answers: AsyncIterator<string>;
  readonly #lines: Interface;
  #stderr = '';

  constructor({ command, args, env }: Program) {
    const [program, given] = batchWork(command, args);
    this.#child = spawn(program, given, { env: { ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      this.#stderr = (this.#stderr + chunk).slice(-stderrTail);
    });
    // A side that cannot be started, or ended: shows as an answer that is missing.
    this.#child.on('error', (error) => {
      this.#stderr += error.message;
    });
    this.#child.stdin.on('error', () => {});
    this.#lines = createInterface({ input: this.#child.stdout });
    this.#answers = this.#lines[Symbol.asyncIterator]();
  }

  /** @throws Error what the side says is wrong, or that it is gone */
  async ask<K extends keyof Commands>(what: K, command: Commands[K]['command']): Promise<Commands[K]['answer']> {
    this.#child.stdin.write(`${JSON.stringify({ do: what, ...command })}\n`);
    const { value, done } = await this.#answers.next();
    if (done)
      throw new Error(`ended at \`${what}\`: ${this.#stderr.trim().split('\n').slice(-3).join(' | ') || 'no word'}`);
    const answer = JSON.parse(value as string) as Commands[K]['answer'] & { error?: string };
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer;
  }

  /** Bytes of memory that are resident now, and that were at most; NaN where the system does not say. */
  memory(): { readonly resident: number; readonly peak: number } {
    const { pid } = this.#child;
    return (pid !== undefined && processMemory(pid)) || { resident: Number.NaN, peak: Number.NaN };
  }

  async close(): Promise<void> {
    const { exitCode, signalCode, pid } = this.#child;
    if (pid === undefined || exitCode !== null || signalCode !== null) return;
    const closed = once(this.#child, 'close');
    this.#child.kill('SIGKILL');
    await closed;
  }
}
