import { FurrowError } from '../../contract/errors.ts';
import type { Pointers } from '../../contract/stage.ts';
import { contend } from './contend.ts';
import { registryNames } from './names.ts';

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

function numberOf(value: unknown, name: string): number {
  const version = (value as { version?: unknown } | null)?.version;
  if (typeof version === 'number') return version;
  throw new FurrowError('STORE_FORMAT', `The registry entry ${name} holds no version number`);
}
