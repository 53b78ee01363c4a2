import { FurrowError } from '../../contract/errors.ts';
import type { RegisteredVersion } from '../../contract/registry.ts';
import type { Pointers } from '../../contract/stage.ts';
import { contend } from './contend.ts';
import { lastPart, registryNames } from './names.ts';
import { readVersion } from './versions.ts';

/** Where an alias moved. `from` is undefined when it is new. */
export interface AliasMove {
  readonly from: number | undefined;
  readonly to: number;
}

/**
 * Points an alias at a version, wherever it pointed before.
 *
 * @throws FurrowError `STORE_CONFLICT` when others kept moving it at the same time.
 */
export async function moveAlias(pointers: Pointers, model: string, alias: string, version: number): Promise<AliasMove> {
  const name = registryNames.alias(model, alias);
  return contend(async () => {
    const current = await pointers.read(name);
    const from = current === undefined ? undefined : numberOf(current.value, name);
    if (from !== version) await pointers.swap(name, { version }, current?.version);
    return { from, to: version };
  });
}

/** The number that an alias points at. */
export async function readAlias(pointers: Pointers, model: string, alias: string): Promise<number | undefined> {
  const name = registryNames.alias(model, alias);
  const pointer = await pointers.read(name);
  return pointer === undefined ? undefined : numberOf(pointer.value, name);
}

/** All aliases of a model, as `{ candidate: 3 }`. */
export async function listAliases(pointers: Pointers, model: string): Promise<Readonly<Record<string, number>>> {
  const names = (await pointers.list(registryNames.aliases(model))).map(lastPart);
  const versions = await Promise.all(names.map((alias) => readAlias(pointers, model, alias)));
  return Object.fromEntries(names.flatMap((alias, i) => (versions[i] === undefined ? [] : [[alias, versions[i]]])));
}

/** The version that a person names: a number (`3`, `v3`) or an alias (`candidate`). */
export async function findVersion(
  pointers: Pointers,
  model: string,
  wanted: string,
): Promise<RegisteredVersion | undefined> {
  const number = wanted.match(/^v?(\d+)$/)?.[1];
  const version = number === undefined ? await readAlias(pointers, model, wanted) : Number(number);
  return version === undefined ? undefined : readVersion(pointers, model, version);
}

function numberOf(value: unknown, name: string): number {
  const version = (value as { version?: unknown } | null)?.version;
  if (typeof version === 'number') return version;
  throw new FurrowError('STORE_FORMAT', `The registry entry ${name} holds no version number`);
}
