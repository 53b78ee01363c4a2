import { FurrowError } from '../../contract/errors.ts';
import type { Json } from '../../contract/json.ts';
import type { ModelVersion, RegisteredVersion } from '../../contract/registry.ts';
import type { Pointers } from '../../contract/stage.ts';
import { contend } from './contend.ts';
import { lastPart, registryNames } from './names.ts';

/** A version before it has a number. */
export type Candidate = Omit<ModelVersion, 'version' | 'format'>;

/**
 * Gives a model its number, or returns the version that the same evaluation became before.
 *
 * The index entry of the evaluation is written first and names the number that is wanted; only then is the version created, exclusively.
 * Whoever registers the same evaluation meanwhile reads the same number and creates or finds the same version. The index moves
 * on only from a number that another evaluation holds, which it holds for ever: so one evaluation never gets two numbers, numbers
 * have no gaps, and a registration that died half-way is finished by the next one.
 *
 * @throws FurrowError `STORE_CONFLICT` when others kept coming first.
 */
export async function registerVersion(pointers: Pointers, candidate: Candidate): Promise<RegisteredVersion> {
  const { model } = candidate;
  const evaluation = candidate.lineage.evaluation.digest;
  const indexName = registryNames.byDigest(model, evaluation);
  return contend(async () => {
    const index = await pointers.read(indexName);
    const claimed = index === undefined ? undefined : numberIn(index.value, indexName);
    const holder = claimed === undefined ? undefined : await readVersion(pointers, model, claimed);
    if (holder?.lineage.evaluation.digest === evaluation) return holder;

    const free = claimed === undefined || holder !== undefined;
    const version = free ? await nextNumber(pointers, model) : claimed;
    if (free) await pointers.swap(indexName, { version }, index?.version);
    const entry: RegisteredVersion = { format: 1, ...candidate, version, registeredAt: new Date().toISOString() };
    await pointers.swap(registryNames.version(model, version), entry as unknown as Json, undefined);
    return entry;
  });
}

/** The entry, or undefined where there is no such version. */
export async function readVersion(
  pointers: Pointers,
  model: string,
  version: number,
): Promise<RegisteredVersion | undefined> {
  const name = registryNames.version(model, version);
  const pointer = await pointers.read(name);
  return pointer === undefined ? undefined : asVersion(pointer.value, name);
}

/** All versions of a model, the oldest first. */
export async function listVersions(pointers: Pointers, model: string): Promise<readonly RegisteredVersion[]> {
  const numbers = await versionNumbers(pointers, model);
  const versions = await Promise.all(numbers.map((version) => readVersion(pointers, model, version)));
  return versions.filter((version) => version !== undefined);
}

/** What goes into the `model-version` artifact: the same bytes at every registration of one evaluation. */
export function contentOf(entry: RegisteredVersion): ModelVersion {
  const { registeredAt: _, ...content } = entry;
  return content;
}

async function nextNumber(pointers: Pointers, model: string): Promise<number> {
  return Math.max(0, ...(await versionNumbers(pointers, model))) + 1;
}

async function versionNumbers(pointers: Pointers, model: string): Promise<number[]> {
  const names = await pointers.list(registryNames.versions(model));
  return names.map((name) => Number(lastPart(name))).sort((a, b) => a - b);
}

function numberIn(value: Json, name: string): number {
  const version = isObject(value) ? value.version : undefined;
  if (typeof version === 'number' && Number.isInteger(version) && version > 0) return version;
  throw new FurrowError('STORE_FORMAT', `The registry entry ${name} holds no version number`);
}

function asVersion(value: Json, name: string): RegisteredVersion {
  const entry = value as unknown as RegisteredVersion;
  if (isObject(value) && entry.format === 1 && typeof entry.lineage?.evaluation?.digest === 'string') return entry;
  throw new FurrowError('STORE_FORMAT', `The registry entry ${name} is not one that this version of Furrow reads`);
}

function isObject(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
