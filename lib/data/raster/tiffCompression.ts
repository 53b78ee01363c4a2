/** Undoes what a TIFF block was compressed with. Output is bounded: a block never grows past the size that its file announced. */
import { inflateSync } from 'node:zlib';

/**
 * @param compression the Compression tag: 1 none, 5 LZW, 8 and 32946 deflate, 32773 PackBits
 * @param length bytes of a whole block; the last strip of an image may give fewer
 * @throws Error when the block is damaged
 */
export function decompress(block: Uint8Array, compression: number, length: number): Uint8Array {
  if (compression === 1) return block;
  if (compression === 5) return unpackLzw(block, length);
  if (compression === 32773) return unpackBits(block, length);
  return inflateSync(block, { maxOutputLength: Math.max(length, 1) });
}

/** PackBits (TIFF 6.0, section 9): a signed count byte, then bytes to copy, or one byte to repeat. */
function unpackBits(block: Uint8Array, length: number): Uint8Array {
  const out = new Uint8Array(length);
  let to = 0;
  for (let from = 0; from < block.length && to < length; ) {
    const count = ((block[from++] as number) << 24) >> 24;
    if (count >= 0) {
      const copied = block.subarray(from, Math.min(from + count + 1, from + length - to));
      out.set(copied, to);
      to += copied.length;
      from += count + 1;
    } else if (count !== -128) {
      const end = Math.min(to + 1 - count, length);
      out.fill(block[from++] ?? 0, to, end);
      to = end;
    }
  }
  return out.subarray(0, to);
}

const clearCode = 256;
const endCode = 257;
const mostCodes = 4096;

/** LZW (TIFF 6.0, section 13): codes of 9 to 12 bits, most significant bit first, that grow one code early. */
function unpackLzw(block: Uint8Array, length: number): Uint8Array {
  if (block[0] === 0 && ((block[1] ?? 0) & 1) === 1)
    throw new Error('LZW of the old kind, least significant bit first');
  const out = new Uint8Array(length);
  // Where the text of a code lies in `out` already: it was written there when the code was made.
  const starts = new Uint32Array(mostCodes);
  const lengths = new Uint32Array(mostCodes);
  let to = 0;
  let next = 258;
  let width = 9;
  let previous = -1;
  let previousStart = 0;
  let previousLength = 0;
  let held = 0;
  let heldBits = 0;
  for (let from = 0; to < length; ) {
    while (heldBits < width) {
      if (from >= block.length) return out.subarray(0, to);
      held = ((held << 8) | (block[from++] as number)) >>> 0;
      heldBits += 8;
    }
    const code = (held >>> (heldBits - width)) & ((1 << width) - 1);
    heldBits -= width;
    held &= (1 << heldBits) - 1;

    if (code === endCode) break;
    if (code === clearCode) {
      next = 258;
      width = 9;
      previous = -1;
      continue;
    }
    const start = to;
    if (code < clearCode) {
      out[to++] = code;
    } else if (code < next && code > endCode) {
      to = copyWithin(out, starts[code] as number, lengths[code] as number, to);
    } else if (code === next && previous >= 0) {
      to = copyWithin(out, previousStart, previousLength, to);
      if (to < length) out[to++] = out[previousStart] as number;
    } else {
      throw new Error(`LZW code ${code} before it was made`);
    }
    if (previous >= 0 && next < mostCodes) {
      // The new code is the previous text and the first byte of this one, which follows it in `out`.
      starts[next] = previousStart;
      lengths[next] = previousLength + 1;
      next++;
      if (next + 1 >= 1 << width && width < 12) width++;
    }
    previous = code;
    previousStart = start;
    previousLength = to - start;
  }
  return out.subarray(0, to);
}

function copyWithin(out: Uint8Array, from: number, length: number, to: number): number {
  const end = Math.min(to + length, out.length);
  for (let i = to, j = from; i < end; i++, j++) out[i] = out[j] as number;
  return end;
}
