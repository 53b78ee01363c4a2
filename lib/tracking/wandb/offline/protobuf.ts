/** As much of the protobuf encoding as a `.wandb` file needs: https://protobuf.dev/programming-guides/encoding/ */

const wireTypes = { varint: 0, lengthDelimited: 2 } as const;
/** Of a 64-bit number, seven bits a byte. */
const mostVarintBytes = 10;

/** One message, written field by field into memory that the next one reuses. */
export class ProtobufEncoder {
  #bytes = Buffer.allocUnsafe(4096);
  #length = 0;

  /** @returns the message, until the next call */
  encode(write: (message: ProtobufEncoder) => void): Uint8Array {
    this.#length = 0;
    write(this);
    return this.#bytes.subarray(0, this.#length);
  }

  /** A `string`; one that is not there has no field. */
  text(field: number, value: string | undefined): void {
    if (value === undefined) return;
    const bytes = Buffer.byteLength(value);
    this.#tag(field, wireTypes.lengthDelimited);
    this.#varint(bytes);
    this.#reserve(bytes);
    this.#length += this.#bytes.write(value, this.#length);
  }

  /** An `int32`, `int64` or `enum` that is not negative. */
  integer(field: number, value: number): void {
    this.#tag(field, wireTypes.varint);
    this.#varint(value);
  }

  message(field: number, write: (message: ProtobufEncoder) => void): void {
    this.#tag(field, wireTypes.lengthDelimited);
    // Its length stands before it and is known after it: one byte is kept for it, and a longer message moves.
    const lengthAt = this.#length;
    this.#varint(0);
    const start = this.#length;
    write(this);
    const bytes = this.#length - start;
    this.#reserve(mostVarintBytes);
    this.#bytes.copyWithin(start + varintBytes(bytes) - 1, start, this.#length);
    this.#length = lengthAt;
    this.#varint(bytes);
    this.#length += bytes;
  }

  #tag(field: number, wireType: number): void {
    this.#varint(field * 8 + wireType);
  }

  #varint(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new RangeError(`Expected an integer from 0 and up, got \`${value}\``);
    }
    this.#reserve(mostVarintBytes);
    let rest = value;
    for (; rest > 127; rest = Math.floor(rest / 128)) this.#bytes[this.#length++] = (rest % 128) + 128;
    this.#bytes[this.#length++] = rest;
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(2 * (this.#length + bytes));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}
