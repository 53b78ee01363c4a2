import { createHash, hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Digest } from '../../contract/artifact.ts';
import { canonicalJson } from '../../contract/json.ts';

export function digestOf(content: Uint8Array | string): Digest {
  return `sha256:${hash('sha256', content)}`;
}

/** The digest of a JSON value, the same however its keys are ordered. */
export function digestOfJson(value: unknown): Digest {
  return digestOf(canonicalJson(value));
}

/** Of a file: from its first to its last byte, both included; all of it unless given. */
export interface FileRange {
  readonly start?: number;
  readonly end?: number;
}

export async function digestOfFile(file: string, range: FileRange = {}): Promise<{ digest: Digest; bytes: number }> {
  const sum = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(file, range) as AsyncIterable<Buffer>) {
    sum.update(chunk);
    bytes += chunk.length;
  }
  return { digest: `sha256:${sum.digest('hex')}`, bytes };
}
