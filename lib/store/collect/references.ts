import type { Digest } from '../../../contract/artifact.ts';
import type { Json } from '../../../contract/json.ts';

/** What a text in the store refers to. */
export interface References {
  /** Every digest in it, whatever it is of. */
  readonly digests: Set<Digest>;
  /** Those that are of artifacts: their blob lists more. */
  readonly artifacts: Set<Digest>;
}

const everyDigest = /sha256:[0-9a-f]{64}/g;

/**
 * Reads references out of a manifest, a run's record, a registry entry, whatever their shape: a garbage collection must not take
 * what somebody refers to in a field that was added later. An object with a digest, a kind and a size is an artifact's reference.
 */
export function referencesIn(text: string): References {
  const found: References = { digests: new Set(), artifacts: new Set() };
  for (const [digest] of text.matchAll(everyDigest)) found.digests.add(digest as Digest);
  try {
    addArtifacts(JSON.parse(text), found.artifacts);
  } catch {
    // Not JSON: what looks like a digest counts all the same.
  }
  return found;
}

function addArtifacts(value: Json, found: Set<Digest>): void {
  if (value === null || typeof value !== 'object') return;
  if (!Array.isArray(value)) {
    const { digest, kind, bytes } = value as { [name: string]: Json };
    if (isDigest(digest) && typeof kind === 'string' && typeof bytes === 'number') found.add(digest);
  }
  for (const member of Object.values(value)) addArtifacts(member, found);
}

function isDigest(value: Json | undefined): value is Digest {
  return typeof value === 'string' && /^sha256:[0-9a-f]{64}$/.test(value);
}
