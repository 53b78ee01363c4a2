import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { FurrowError } from '../../../contract/errors.ts';
import type { JsonObject } from '../../../contract/json.ts';
import type { TrackedImage } from '../trackedRun.ts';

/** What W&B is told of an image: where its file lies among the run's files, and the value that stands for it in a row. */
export interface ImageValue {
  /** `media/images/KEY_STEP_HASH20.png`, with forward slashes, as the Python client names it. */
  readonly path: string;
  /** The eight fields that the Python client writes. */
  readonly value: JsonObject;
}

/** @throws FurrowError `FILE_UNREADABLE` when there is no such file, or it is not a PNG */
export async function imageValue({ key, step, file, caption }: TrackedImage): Promise<ImageValue> {
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw unreadable(key, file, 'cannot be read', cause);
  });
  const size = pngSize(bytes);
  if (size === undefined) throw unreadable(key, file, 'is not a PNG');
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const path = `media/images/${safePath(key)}_${step}_${sha256.slice(0, 20)}.png`;
  return { path, value: { _type: 'image-file', path, format: 'png', sha256, size: bytes.length, ...size, caption } };
}

function unreadable(key: string, file: string, what: string, cause?: unknown): FurrowError {
  const name = basename(file);
  return new FurrowError('FILE_UNREADABLE', `The image \`${key}\` ${what}: ${name}`, {
    details: { image: key },
    cause,
  });
}

/** The signature, then the length (13) and type of the first chunk: PNG specification, 5.2, 5.3 and 11.2.2. */
const pngStart = Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR', 'latin1');

function pngSize(bytes: Buffer): { width: number; height: number } | undefined {
  // Of the header chunk 13 bytes and a CRC of 4 follow.
  if (bytes.length < pngStart.length + 17 || !bytes.subarray(0, pngStart.length).equals(pngStart)) return undefined;
  const [width, height] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
  return width > 0 && height > 0 ? { width, height } : undefined;
}

/** Slashes make folders, as with the Python client; a key leads nowhere else, and is a name on any platform. */
function safePath(key: string): string {
  const parts = key.split('/').filter((part) => part !== '');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: no file of Windows has them in its name.
  return parts.map((part) => part.replace(/[\\:*?"<>|\0-\x1f]/g, '_').replace(/^\.\.?$/, '_')).join('/');
}
