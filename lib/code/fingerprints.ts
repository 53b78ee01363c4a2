import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Digest } from '../../contract/artifact.ts';
import { FurrowError } from '../../contract/errors.ts';
import { productRoot } from './root.ts';

let known: Readonly<Record<string, { readonly fingerprint: Digest }>> | undefined;

/** The fingerprint of a stage's code, from the manifest that the build made. Read once: a worker runs the code it started with. */
export function fingerprintOf(uses: string): Digest {
  known ??= read();
  const found = known[uses];
  if (!found) {
    throw new FurrowError(
      'STAGE_UNKNOWN',
      `The build knows no stage ${uses}; it knows ${Object.keys(known).join(', ')}`,
      { details: { uses } },
    );
  }
  return found.fingerprint;
}

function read(): Readonly<Record<string, { readonly fingerprint: Digest }>> {
  const path = join(productRoot, 'dist/fingerprints.json');
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new FurrowError('SETUP_INCOMPLETE', 'The build is not there: dist/fingerprints.json cannot be read', {
      cause,
    });
  }
}
