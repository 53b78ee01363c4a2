import type { Digest } from '../../contract/artifact.ts';
import { slug } from '../../contract/registry.ts';

/** Where the registry keeps what, as names of pointers in the store. */
export const registryNames = {
  root: 'registry/',
  versions: (model: string) => `registry/${checked(model)}/versions/`,
  version: (model: string, version: number) => `registry/${checked(model)}/versions/${version}`,
  /** Which version an evaluation became; what makes registering idempotent. */
  byDigest: (model: string, evaluation: Digest) =>
    `registry/${checked(model)}/by-digest/${evaluation.slice('sha256:'.length)}`,
  aliases: (model: string) => `registry/${checked(model)}/aliases/`,
  alias: (model: string, alias: string) => `registry/${checked(model)}/aliases/${checked(alias)}`,
} as const;

/** The last part of a pointer's name, whether a store lists names whole or below the prefix. */
export function lastPart(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}

function checked(name: string): string {
  if (slug.test(name)) return name;
  throw new TypeError(`Expected a name of lower-case letters, digits and dashes, got \`${name}\``);
}
