import type { Digest, FinishedStage } from '../../contract/artifact.ts';
import { FurrowError } from '../../contract/errors.ts';
import { canonicalJson, type Json, type JsonObject } from '../../contract/json.ts';
import { missingBlob } from './artifacts.ts';
import { digestOfJson } from './digest.ts';
import type { PointerState } from './driver.ts';
import { renewAfter } from './leases.ts';
import { manifestName } from './names.ts';
import type { Store } from './store.ts';

/** Everything that decides a stage's output. What is not in here cannot change it. */
export interface KeyParts {
  /** The `uses` name, not the name in the pipeline: two pipelines share the work. */
  readonly uses: string;
  readonly fingerprint: Digest;
  /** The result-changing parameters alone. */
  readonly params: JsonObject;
  /** Role → inputs. The names of stages count where a role takes several, because the output then names them. */
  readonly inputs: Readonly<Record<string, readonly { readonly name?: string; readonly digest: Digest }[]>>;
  readonly seed?: number;
  readonly source?: Digest;
}

export function stageKey(parts: KeyParts): Digest {
  return digestOfJson(parts);
}

export interface ManifestState {
  readonly finished: FinishedStage;
  /** The pointer's version, to replace exactly this manifest. */
  readonly version: string;
  /** Why it does not count. */
  readonly broken?: string;
}

/** What is known of the finished stage under `key`, for people who look: nothing is renewed, and no blob looked for. */
export async function readFinished(store: Store, key: Digest): Promise<FinishedStage | undefined> {
  const found = await store.driver.readPointer(manifestName(key));
  return found && parseManifest(found.text);
}

/** The finished stage under `key`, for work that takes it, and whether every blob behind it exists. */
export async function lookUp(store: Store, key: Digest): Promise<ManifestState | undefined> {
  const found = await store.driver.readPointer(manifestName(key));
  if (!found) return undefined;
  const finished = parseManifest(found.text);
  if (!finished)
    return { finished: brokenManifest(key), version: found.version, broken: `the manifest of ${key} cannot be read` };
  if (isRetired(found.text))
    return { finished, version: found.version, broken: 'a reset asked for it to be made again' };
  const held = await renewed(store, key, found);
  if (!held) return lookUp(store, key);
  // Only now: what a collection had removed before is seen to be missing, what it has not it leaves.
  const missing = await missingBlob(store, finished.artifact, finished.attachments);
  return { finished, version: held.version, ...(missing && { broken: `blob ${missing} is missing` }) };
}

/** A result that is taken holds everything behind it. Undefined when somebody changed it first. */
async function renewed(store: Store, key: Digest, found: PointerState): Promise<{ version: string } | undefined> {
  if (Date.now() - found.at < renewAfter) return found;
  try {
    return { version: await store.driver.swapPointer(manifestName(key), found.text, found.version) };
  } catch (error) {
    if (error instanceof FurrowError && error.code === 'STORE_CONFLICT') return undefined;
    throw error;
  }
}

/**
 * Commits a finished stage: one exclusive write, last. When another attempt, run or worker committed first, theirs is returned
 * and ours is forgotten: both hold the same key, so either will do.
 *
 * @param observed the version of the manifest to replace (a broken one, or one that is made again on purpose); undefined when
 *   there was none.
 */
export async function commitManifest(
  store: Store,
  finished: FinishedStage,
  observed: string | undefined,
): Promise<{ finished: FinishedStage; won: boolean }> {
  const name = manifestName(finished.key);
  try {
    await store.driver.swapPointer(
      name,
      canonicalJson({ format: 1, ...(finished as unknown as Record<string, Json>) }),
      observed,
    );
    return { finished, won: true };
  } catch (error) {
    if (!(error instanceof FurrowError) || error.code !== 'STORE_CONFLICT') throw error;
  }
  const theirs = await lookUp(store, finished.key);
  if (theirs && !theirs.broken) return { finished: theirs.finished, won: false };
  if (theirs && theirs.version !== observed) return commitManifest(store, finished, theirs.version);
  throw new FurrowError('STORE_CONFLICT', `The manifest of ${finished.key} changes faster than it can be written`);
}

/**
 * The result under `key` no longer counts: whoever looks it up makes it again. Its files stay, and so does what is known of it.
 */
export async function retireManifest(store: Store, key: Digest): Promise<void> {
  const name = manifestName(key);
  const found = await store.driver.readPointer(name);
  if (!found || !parseManifest(found.text)) return;
  const retired = canonicalJson({ ...JSON.parse(found.text), retired: true });
  await store.driver.swapPointer(name, retired, found.version).catch((error: unknown) => {
    // Made again in the meantime: that one is as new as can be.
    if (!(error instanceof FurrowError) || error.code !== 'STORE_CONFLICT') throw error;
  });
}

function parseManifest(text: string): FinishedStage | undefined {
  try {
    const { format, retired: _, ...finished } = JSON.parse(text);
    return format === 1 && finished.artifact?.digest ? (finished as FinishedStage) : undefined;
  } catch {
    return undefined;
  }
}

function isRetired(text: string): boolean {
  return (JSON.parse(text) as { retired?: true }).retired === true;
}

function brokenManifest(key: Digest): FinishedStage {
  return { key } as FinishedStage;
}
