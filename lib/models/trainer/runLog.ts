import type { RunLogRow } from '../../../contract/runLog.ts';

/** Bytes: some hundreds of rows. */
const chunkBytes = 2 ** 16;

const lineFeed = 10;

/** Kept as bytes: as text, a long training's log is more than one string can hold (512 MiB). */
export class RunLog {
  /** What was carried, and chunks that are full. */
  readonly #full: Uint8Array[];
  #chunk = Buffer.allocUnsafeSlow(chunkBytes);
  /** Bytes of the chunk that hold rows. */
  #used = 0;

  readonly #grown: (bytes: Uint8Array) => void;

  /**
   * @param carried the bytes that a checkpoint held, taken over as they are; of a torn last line nothing is kept
   * @param grown is given what was carried, then each row, as it comes
   */
  constructor(carried: Uint8Array = new Uint8Array(), grown: (bytes: Uint8Array) => void = () => {}) {
    this.#full = [carried.subarray(0, carried.lastIndexOf(lineFeed) + 1)];
    this.#grown = grown;
    for (const bytes of this.#full) grown(bytes);
  }

  append(row: RunLogRow): void {
    const line = Buffer.from(`${JSON.stringify(row)}\n`, 'utf8');
    if (this.#used + line.length > this.#chunk.length) this.#open(Math.max(chunkBytes, line.length));
    line.copy(this.#chunk, this.#used);
    this.#grown(line);
    this.#used += line.length;
  }

  /** A copy. */
  bytes(): Uint8Array {
    return Buffer.concat([...this.#full, this.#rows()]);
  }

  #rows(): Buffer {
    return this.#chunk.subarray(0, this.#used);
  }

  #open(length: number): void {
    this.#full.push(this.#rows());
    this.#chunk = Buffer.allocUnsafeSlow(length);
    this.#used = 0;
  }
}
