/** A file of an archive as it is read back. `content` is there for regular files only. */
export interface TarMember {
  readonly path: string;
  readonly type: 'file' | 'directory' | 'link' | 'hardlink' | 'other';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: number;
  readonly size: number;
  readonly target: string;
  readonly content: Uint8Array;
}

const block = 512;

/**
 * Reads an archive: ustar with pax headers, and GNU's long names, as base images have them. Contents larger than `keep` bytes are
 * passed over: a base image is looked through for names, not for bytes.
 */
export async function* untar(
  source: AsyncIterable<Uint8Array>,
  keep = Number.POSITIVE_INFINITY,
): AsyncGenerator<TarMember> {
  const reader = new BlockReader(source);
  try {
    let extended: Record<string, string> = {};
    for (let header = await reader.take(block); header; header = await reader.take(block)) {
      if (header.every((byte) => byte === 0)) return;
      const type = String.fromCharCode(header[156] ?? 0);
      const size = Number(extended.size ?? number(header, 124, 12));
      const padded = Math.ceil(size / block) * block;
      const isExtension = type === 'x' || type === 'g' || type === 'L' || type === 'K';
      let content = new Uint8Array();
      if (isExtension || size <= keep) content = ((await reader.take(padded)) ?? content).subarray(0, size);
      else await reader.skip(padded);
      if (type === 'x') extended = { ...extended, ...paxRecords(content) };
      else if (type === 'L') extended = { ...extended, path: text(content, 0, content.length) };
      else if (type === 'K') extended = { ...extended, linkpath: text(content, 0, content.length) };
      if (isExtension) continue;
      const prefix = text(header, 345, 155);
      const name =
        extended.path ??
        (prefix && text(header, 257, 5) === 'ustar' ? `${prefix}/${text(header, 0, 100)}` : text(header, 0, 100));
      yield {
        path: name.replace(/^\.?\//, '').replace(/\/$/, ''),
        type: types[type] ?? 'other',
        mode: number(header, 100, 8),
        uid: number(header, 108, 8),
        gid: number(header, 116, 8),
        mtime: number(header, 136, 12),
        size,
        target: extended.linkpath ?? text(header, 157, 100),
        content,
      };
      extended = {};
    }
  } finally {
    // Whoever has seen enough leaves early: the file behind it must not stay open.
    await reader.close();
  }
}

const types: Readonly<Record<string, TarMember['type']>> = {
  '0': 'file',
  '\0': 'file',
  '1': 'hardlink',
  '2': 'link',
  '5': 'directory',
};

function text(bytes: Uint8Array, start: number, length: number): string {
  const field = Buffer.from(bytes.buffer, bytes.byteOffset + start, Math.min(length, bytes.length - start));
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end < 0 ? undefined : end);
}

/** Octal text; GNU writes what does not fit as a big-endian number behind a set high bit. */
function number(bytes: Uint8Array, start: number, length: number): number {
  const field = bytes.subarray(start, start + length);
  if (((field[0] ?? 0) & 0x80) === 0) return Number.parseInt(text(field, 0, length).trim() || '0', 8);
  return field.subarray(1).reduce((value, byte) => value * 256 + byte, 0);
}

function paxRecords(content: Uint8Array): Record<string, string> {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.length);
  const records: Record<string, string> = {};
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    const length = Number(bytes.toString('latin1', at, space));
    if (!(length > 0)) break;
    const [keyword = '', ...value] = bytes.toString('utf8', space + 1, at + length - 1).split('=');
    records[keyword] = value.join('=');
    at += length;
  }
  return records;
}

class BlockReader {
  readonly #source: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** The next `length` bytes, or undefined at the end of the archive. */
  async take(length: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const taken = new Uint8Array(length);
    let have = 0;
    for (;;) {
      const part = this.#rest.subarray(0, length - have);
      taken.set(part, have);
      have += part.length;
      this.#rest = this.#rest.subarray(part.length);
      if (have === length) return taken;
      if (!(await this.#more())) return undefined;
    }
  }

  async skip(length: number): Promise<void> {
    for (let left = length; left > 0; ) {
      if (this.#rest.length === 0 && !(await this.#more())) return;
      const part = Math.min(left, this.#rest.length);
      this.#rest = this.#rest.subarray(part);
      left -= part;
    }
  }

  async close(): Promise<void> {
    await this.#source.return?.();
  }

  async #more(): Promise<boolean> {
    const next = await this.#source.next();
    if (!next.done) this.#rest = next.value;
    return !next.done;
  }
}
