// @ts-check
// Trust on first use, for the one download whose digest nobody has published: tfjs-node's prebuilt addon. What came the first time
// is recorded in the cache, and nothing else is taken under that name again. This is weaker than a pin: the first time is believed.
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { readJson, writeJson } from './cache.mjs';

/**
 * @param {string} record  the file that remembers, shared by all that is trusted so
 * @param {string} name  with its version: a new version is a new name
 * @param {string} sha256  of what was downloaded just now
 * @throws when another one came the first time
 */
export function trustOnFirstUse(record, name, sha256) {
  const known = readJson(record)?.[name];
  if (known === sha256) return;
  if (known)
    throw new Error(
      `${name} has sha256 ${sha256}, but ${known} when it was first downloaded here: refused (recorded in ${record})`,
    );
  mkdirSync(dirname(record), { recursive: true });
  writeJson(record, { ...readJson(record), [name]: sha256 });
}
