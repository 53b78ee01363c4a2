import { createHash } from 'node:crypto';
import type { Digest } from '../../contract/artifact.ts';

/** Where things lie in a store, relative to its root. Two digits a folder keep folders short with 10,000s of entries. */
export const storeFile = 'store.json';

export const blobFolder = 'blobs/sha256/';
export const manifestFolder = 'manifests/';
export const runFolder = 'runs/';
export const checkpointsFolder = 'checkpoints/';
/** Blobs that were read wrong, for a person to look at. */
export const corruptFolder = 'corrupt/';
/** What stages keep: the model registry. */
export const stagePointerFolder = 'pointers/';

/** Where there are pointers; everywhere else there are objects. */
export const pointerFolders: readonly string[] = [manifestFolder, runFolder, stagePointerFolder];

export function blobName(digest: Digest): string {
  const hex = hexOf(digest);
  return `${blobFolder}${hex.slice(0, 2)}/${hex}`;
}

export function manifestName(key: Digest): string {
  const hex = hexOf(key);
  return `${manifestFolder}${hex.slice(0, 2)}/${hex}`;
}

export function checkpointFolder(key: Digest): string {
  return `${checkpointsFolder}${hexOf(key)}/`;
}

export const fetchedFolder = 'fetched/';

export function runRecordName(workflowId: string, runId: string): string {
  return `${runFolder}${segment(workflowId)}/${segment(runId)}`;
}

export function hexOf(digest: Digest): string {
  const hex = digest.slice('sha256:'.length);
  if (!digest.startsWith('sha256:') || !/^[0-9a-f]{64}$/.test(hex)) {
    throw new TypeError(`Expected a digest like sha256:<64 hexadecimal digits>, got \`${digest}\``);
  }
  return hex;
}

/** File systems take 255 bytes a name. */
const longestSegment = 200;

/**
 * A workflow id may hold anything; a name in the store may not. Percent-encoded, with `%` written as `=`; what is too long for a
 * file name ends in its digest instead.
 */
export function segment(text: string): string {
  const encoded = encodeURIComponent(text).replace(
    /[!'()*~]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  const safe = encoded.replaceAll('%', '=').replace(/^\./, '=2E');
  if (safe.length <= longestSegment) return safe;
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 32);
  return `${safe.slice(0, longestSegment - 33).replace(/=.?$/, '')}-${digest}`;
}

/** Refuses names that could leave the store. */
export function checkName(name: string): string {
  const segments = name.split('/');
  if (segments.some((part) => !/^[A-Za-z0-9_=-][A-Za-z0-9._=-]*$/.test(part))) {
    throw new TypeError(`Expected a store name of [A-Za-z0-9._=-] segments, got \`${name}\``);
  }
  return name;
}

/** Refuses prefixes, which end with a slash, that could leave the store. */
export function checkPrefix(prefix: string): string {
  if (!prefix.endsWith('/')) throw new TypeError(`Expected a prefix that ends with a slash, got \`${prefix}\``);
  checkName(prefix.slice(0, -1));
  return prefix;
}
