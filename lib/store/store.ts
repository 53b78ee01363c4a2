import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { FurrowError } from '../../contract/errors.ts';
import type { StoreLocation } from '../../contract/messages.ts';
import type { StoreDriver } from './driver.ts';
import { folderDriver, prepareFolder } from './folderDriver.ts';
import { storeFile } from './names.ts';

/** The layout of the store. Raised by hand when an older Furrow could not read what a newer one writes. */
export const storeFormat = 1;

/** An opened store: its place, and the identity that says it is the one meant. */
export interface Store {
  readonly driver: StoreDriver;
  readonly location: StoreLocation;
}

/**
 * The address of the store that a pipeline file names: `gs://…` as it is, else the path of a folder.
 *
 * @param base where a relative path starts
 */
export function storeUri(store: string, base: string): string {
  return isGcs(store) ? store : pathToFileURL(resolve(base, store)).href;
}

/**
 * Opens the store at `uri` (`file:///…`, `gs://bucket/prefix`), making it when there is none and `create` is set. A bucket has to be
 * there.
 *
 * @throws FurrowError `STORE_NOT_FOUND`, `STORE_FORMAT`, `STORE_UNAVAILABLE`; `CREDENTIALS_MISSING`, `ACCESS_DENIED`.
 */
export async function openStore(uri: string, options: { create: boolean }): Promise<Store> {
  const driver = await driverAt(uri);
  let identity = await readIdentity(driver);
  if (!identity) {
    if (!options.create) {
      throw new FurrowError('STORE_NOT_FOUND', `There is no store at ${uri}`, { details: { uri } });
    }
    if (!isGcs(uri)) await prepareFolder(folderOf(uri));
    const fresh = JSON.stringify({ format: storeFormat, id: randomUUID() });
    await driver.create(storeFile, new TextEncoder().encode(`${fresh}\n`));
    // Two may make it at once: whoever came first gave it its id.
    identity = await readIdentity(driver);
  }
  if (!identity) throw new FurrowError('STORE_UNAVAILABLE', `The store at ${uri} could not be made`);
  if (identity.format !== storeFormat) {
    throw new FurrowError(
      'STORE_FORMAT',
      `The store at ${uri} has format ${identity.format}; this Furrow reads format ${storeFormat}`,
    );
  }
  return { driver, location: { uri: driver.uri, id: identity.id } };
}

/**
 * Opens the store that a run names, refusing another one that lies under the same address on this machine. Asked each time: a
 * drive may be mounted over, or away, while a worker lives.
 *
 * @throws FurrowError `STORE_MISMATCH`, and what {@link openStore} throws.
 */
export async function openStoreAt(location: StoreLocation): Promise<Store> {
  const store = await openStore(location.uri, { create: false }).catch((error: unknown) => {
    if (!(error instanceof FurrowError) || error.code !== 'STORE_NOT_FOUND') throw error;
    // It has an id, so it was there: a drive that is not mounted yet, or for a moment.
    throw new FurrowError('STORE_UNAVAILABLE', error.message, { details: error.details, cause: error });
  });
  if (store.location.id !== location.id) {
    throw new FurrowError(
      'STORE_MISMATCH',
      `The store at ${location.uri} is ${store.location.id}, the run uses ${location.id}`,
      {
        details: { uri: location.uri, expected: location.id, found: store.location.id },
      },
    );
  }
  return store;
}

/**
 * What is missing from a store may be missing because the store is: asked before anything is decided by it.
 *
 * @throws FurrowError `STORE_UNAVAILABLE`
 */
export async function checkThere({ driver, location }: Store): Promise<void> {
  if ((await driver.stat(storeFile)) !== undefined) return;
  throw new FurrowError('STORE_UNAVAILABLE', `The store at ${location.uri} is not there any more`);
}

async function readIdentity(driver: StoreDriver): Promise<{ format: number; id: string } | undefined> {
  const content = await driver.read(storeFile);
  if (!content) return undefined;
  try {
    const { format, id } = JSON.parse(Buffer.from(content).toString('utf8'));
    if (Number.isInteger(format) && typeof id === 'string') return { format, id };
  } catch {
    // falls through: what cannot be read is no store of ours
  }
  throw new FurrowError('STORE_FORMAT', `${driver.uriOf(storeFile)} is not a store's identity`);
}

function isGcs(uri: string): boolean {
  return uri.startsWith('gs://');
}

/** The client for Cloud Storage takes a third of a second to load: only for those who use it. */
async function driverAt(uri: string): Promise<StoreDriver> {
  return isGcs(uri) ? (await import('./gcsDriver.ts')).gcsDriver(uri) : folderDriver(folderOf(uri));
}

function folderOf(uri: string): string {
  if (uri.startsWith('file:')) return fileURLToPath(uri);
  throw new FurrowError('STORE_NOT_FOUND', `Unknown kind of store: ${uri} (known: a folder, gs://bucket/prefix)`, {
    details: { uri },
  });
}
