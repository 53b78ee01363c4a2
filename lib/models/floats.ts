/** Little-endian float32 on disk, whatever this machine's own order. */
import { endianness } from 'node:os';

export function floatsToBytes(values: Float32Array): Buffer {
  const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  return endianness() === 'LE' ? bytes : Buffer.from(bytes).swap32();
}

/** A copy of `length` floats that start at byte `offset`. */
export function floatsOf(bytes: Uint8Array, offset: number, length: number): Float32Array {
  const copy = Buffer.from(bytes.subarray(offset, offset + length * 4));
  if (copy.length !== length * 4)
    throw new RangeError(`Expected ${length} floats at byte ${offset}, got ${copy.length / 4}`);
  if (endianness() === 'BE') copy.swap32();
  return new Float32Array(copy.buffer.slice(copy.byteOffset, copy.byteOffset + copy.length));
}
