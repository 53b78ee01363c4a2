import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { arrange, type LayerEntry } from './entry.ts';

/** POSIX.1-1988 blocks; two empty ones end an archive. */
const block = 512;
/** What a ustar header holds without help: longer names and sizes go into a pax header (POSIX.1-2001). */
const longestName = 100;
const largestSize = 8 ** 11 - 1;
/** Bytes read from disk at once. */
const readAtOnce = 1 << 20;

/**
 * The archive of these entries, the same bytes at any time, on any machine, by any user: sorted, owned by 0:0, dated 1970, with the
 * modes that the entries state. An own writer, because none on npm promises its bytes and an image's digest hangs on them.
 *
 * @throws Error when a file changes its size while it is read.
 */
export async function* tar(entries: readonly LayerEntry[]): AsyncGenerator<Uint8Array> {
  for (const entry of arrange(entries)) {
    const size = await sizeOf(entry);
    yield* headers(entry, size);
    if (entry.kind === 'file') yield* body(entry.path, entry.content, size);
  }
  yield new Uint8Array(2 * block);
}

async function sizeOf(entry: LayerEntry): Promise<number> {
  if (entry.kind !== 'file') return 0;
  return entry.content instanceof Uint8Array ? entry.content.length : (await stat(entry.content.file)).size;
}

function* headers(entry: LayerEntry, size: number): Generator<Uint8Array> {
  const name = entry.kind === 'directory' ? `${entry.path}/` : entry.path;
  const target = entry.kind === 'link' ? entry.target : '';
  const extended = [
    ...(fits(name) ? [] : [paxRecord('path', name)]),
    ...(fits(target) ? [] : [paxRecord('linkpath', target)]),
    ...(size > largestSize ? [paxRecord('size', String(size))] : []),
  ];
  if (extended.length > 0) {
    const records = Buffer.concat(extended);
    yield header({ name: 'pax', type: 'x', mode: 0o644, size: records.length, target: '' });
    yield records;
    yield padding(records.length);
  }
  const mode = entry.kind === 'link' ? 0o777 : entry.mode;
  yield header({ name, type: typeFlags[entry.kind], mode, size: size > largestSize ? 0 : size, target });
}

const typeFlags = { file: '0', link: '2', directory: '5' } as const;

function fits(name: string): boolean {
  // Names beyond ASCII mean different things to different readers of ustar; in pax they are UTF-8.
  return name.length <= longestName && /^[\x20-\x7e]*$/.test(name);
}

/** `LENGTH KEYWORD=VALUE\n`, where the length counts itself. */
function paxRecord(keyword: string, value: string): Buffer {
  const rest = Buffer.from(` ${keyword}=${value}\n`);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

interface Header {
  readonly name: string;
  readonly type: '0' | '2' | '5' | 'x';
  readonly mode: number;
  readonly size: number;
  readonly target: string;
}

function header({ name, type, mode, size, target }: Header): Uint8Array {
  const bytes = Buffer.alloc(block);
  bytes.write(name.slice(0, longestName), 0, 'latin1');
  bytes.write(octal(mode, 8), 100, 'latin1');
  bytes.write(octal(0, 8), 108, 'latin1');
  bytes.write(octal(0, 8), 116, 'latin1');
  bytes.write(octal(size, 12), 124, 'latin1');
  bytes.write(octal(0, 12), 136, 'latin1');
  bytes.write(type, 156, 'latin1');
  bytes.write(target.slice(0, longestName), 157, 'latin1');
  bytes.write('ustar\x0000', 257, 'latin1');
  bytes.write(octal(0, 8), 329, 'latin1');
  bytes.write(octal(0, 8), 337, 'latin1');
  // The checksum is taken over the header with eight spaces in the checksum's place.
  bytes.fill(' ', 148, 156);
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return bytes;
}

function octal(value: number, width: number): string {
  return `${value.toString(8).padStart(width - 1, '0')}\0`;
}

async function* body(path: string, content: Uint8Array | { readonly file: string }, size: number) {
  let written = 0;
  const source: AsyncIterable<Uint8Array> | Iterable<Uint8Array> =
    content instanceof Uint8Array ? [content] : createReadStream(content.file, { highWaterMark: readAtOnce });
  for await (const chunk of source) {
    written += chunk.length;
    yield chunk;
  }
  if (written !== size) throw new Error(`${path} changed while the image was written: ${size} bytes became ${written}`);
  yield padding(size);
}

function padding(size: number): Uint8Array {
  return new Uint8Array((block - (size % block)) % block);
}
