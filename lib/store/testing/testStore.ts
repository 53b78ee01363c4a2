import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll } from 'vitest';
import type { Digest, RuntimeClass } from '../../../contract/artifact.ts';
import { blobName } from '../names.ts';
import { openStore, type Store } from '../store.ts';

const folders: string[] = [];
// Of the file that imports this: a hook that is asked for within a test is forgotten.
afterAll(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** An empty folder, removed when the test file is through. */
export function testFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'furrow-store-'));
  folders.push(folder);
  return folder;
}

export interface TestStore extends Store {
  readonly folder: string;
  /** Where a blob lies, to harm it. */
  blobFile(digest: Digest): string;
}

export async function testStore(folder: string = testFolder()): Promise<TestStore> {
  const store = await openStore(pathToFileURL(folder).href, { create: true });
  return { ...store, folder, blobFile: (digest) => join(folder, ...blobName(digest).split('/')) };
}

export const testRuntime: RuntimeClass = {
  node: 'v20',
  platform: 'linux-x64',
  backend: 'none',
  threads: 2,
  instructions: 'avx2',
};

export function testDigest(digit: string): Digest {
  return `sha256:${digit.repeat(64)}`;
}
