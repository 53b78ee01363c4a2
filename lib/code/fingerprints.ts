import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Digest } from '../../contract/artifact.ts';
import { FurrowError } from '../../contract/errors.ts';
import { productRoot } from './root.ts';

/** What the build writes beside the code. */
interface BuildManifest {
  /** Over all that was built: any difference means that this process's files are gone. */
  readonly build: string;
  /** The locked versions of the packages that the product names. */
  readonly packages: Readonly<Record<string, string>>;
  readonly stages: Readonly<Record<string, { readonly fingerprint: Digest }>>;
}

const file = join(productRoot, 'dist/fingerprints.json');
let known: { readonly manifest: BuildManifest; readonly text: string } | undefined;

/** The fingerprint of a stage's code. Read once: a worker runs the code that it started with. */
export function fingerprintOf(uses: string): Digest {
  const { stages } = manifest();
  const found = stages[uses];
  if (!found) {
    const message = `The build knows no stage ${uses}; it knows ${Object.keys(stages).join(', ')}`;
    throw new FurrowError('STAGE_UNKNOWN', message, { details: { uses } });
  }
  return found.fingerprint;
}

/**
 * As {@link fingerprintOf}, for a process that lives long.
 *
 * @throws FurrowError `FINGERPRINT_MISMATCH` once the build was replaced: what this process would load now is other code.
 */
export function currentFingerprintOf(uses: string): Digest {
  if (buildWasReplaced()) throw new FurrowError('FINGERPRINT_MISMATCH', 'The build was replaced under this worker');
  return fingerprintOf(uses);
}

/** Package versions, to explain a run by. */
export function packageVersions(): Readonly<Record<string, string>> {
  return manifest().packages;
}

/**
 * True once another build lies where this process's was: what it would load or start from now on is not the code that its
 * fingerprints are of.
 */
export function buildWasReplaced(): boolean {
  manifest();
  try {
    return readFileSync(file, 'utf8') !== known?.text;
  } catch {
    return true;
  }
}

function manifest(): BuildManifest {
  known ??= read();
  return known.manifest;
}

function read() {
  try {
    const text = readFileSync(file, 'utf8');
    return { manifest: JSON.parse(text) as BuildManifest, text };
  } catch (cause) {
    throw new FurrowError('SETUP_INCOMPLETE', 'The build is not there: dist/fingerprints.json cannot be read', {
      cause,
    });
  }
}
