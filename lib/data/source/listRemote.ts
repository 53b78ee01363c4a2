import { resolve } from 'node:path';
import type { JsonObject } from '../../../contract/json.ts';
import type { SourceAddress } from '../../../contract/sourceAddress.ts';
import type { AttemptContext } from '../../../contract/stage.ts';
import type { PinnedObject } from './objects.ts';

type RemoteAddress = Extract<SourceAddress, { scheme: 'gs' | 'dvc' | 'web' }>;

export interface RemoteListing {
  readonly objects: readonly PinnedObject[];
  /** What the place knows of the whole, such as a revision. */
  readonly facts: JsonObject;
}

export type ListContext = Pick<AttemptContext<unknown>, 'signal' | 'log'>;

/** What a remote source holds now. Loads what its scheme needs, and no more. */
export async function listRemote(
  address: RemoteAddress,
  baseFolder: string,
  context: ListContext,
): Promise<RemoteListing> {
  if (address.scheme === 'gs') {
    const { listObjects } = await import('./gcsSource.ts');
    return { objects: await listObjects(address.bucket, address.prefix), facts: {} };
  }
  if (address.scheme === 'web') {
    const { name: path, url: uri, sha256 } = address;
    return { objects: [{ path, uri, sha256 }], facts: { sha256 } };
  }
  const { listDvc } = await import('./dvc/dvcSource.ts');
  return listDvc({ ...address, path: resolve(baseFolder, address.path) }, context);
}
