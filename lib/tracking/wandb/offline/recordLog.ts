import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { writeAll } from '../../../store/writeAll.ts';

/** `:W&B`, the magic number 0xBEE1 (little-endian), and version 0 of the format. */
const fileHeader = Buffer.from('3a572642e1be00', 'hex');
/**
 * LevelDB's log format: https://github.com/google/leveldb/blob/main/doc/log_format.md. Other than there, the sum is the CRC-32 of
 * gzip, unmasked, over type and data; and the file's own header is part of the first block.
 */
const blockBytes = 32 * 1024;
/** Sum (4), length (2), type (1). */
const partHeaderBytes = 7;
const partTypes = { full: 1, first: 2, middle: 3, last: 4 } as const;
/** As much is written at once. */
const bufferBlocks = 32;

/** The records of a `.wandb` file, one after another. They are all in the file once it is finished. */
export class RecordLog {
  readonly #file: FileHandle;
  /** Begins with a block. */
  readonly #buffer = Buffer.alloc(bufferBlocks * blockBytes);
  /** Bytes in the buffer. */
  #length = fileHeader.copy(this.#buffer);

  /** @param file empty */
  constructor(file: FileHandle) {
    this.#file = file;
  }

  async append(record: Uint8Array): Promise<void> {
    let rest = record;
    let isFirst = true;
    do {
      const part = rest.subarray(0, (await this.#room()) - partHeaderBytes);
      rest = rest.subarray(part.length);
      const isLast = rest.length === 0;
      this.#add(isFirst ? (isLast ? 'full' : 'first') : isLast ? 'last' : 'middle', part);
      isFirst = false;
    } while (rest.length > 0);
  }

  /** No record comes after it. */
  finish(): Promise<void> {
    return writeAll(this.#file, this.#buffer.subarray(0, this.#length));
  }

  /** Bytes left in the block, at least those of a part without data: what is left of a block that is less is filled with zeros. */
  async #room(): Promise<number> {
    const left = blockBytes - (this.#length % blockBytes);
    if (left < partHeaderBytes) {
      this.#buffer.fill(0, this.#length, this.#length + left);
      this.#length += left;
    }
    if (this.#length === this.#buffer.length) {
      await writeAll(this.#file, this.#buffer);
      this.#length = 0;
    }
    return blockBytes - (this.#length % blockBytes);
  }

  #add(type: keyof typeof partTypes, data: Uint8Array): void {
    const start = this.#length;
    this.#buffer.writeUInt16LE(data.length, start + 4);
    this.#buffer[start + 6] = partTypes[type];
    this.#buffer.set(data, start + partHeaderBytes);
    this.#length += partHeaderBytes + data.length;
    this.#buffer.writeUInt32LE(crc32(this.#buffer.subarray(start + 6, this.#length)), start);
  }
}
