/** Objects of a remote source, pinned when it is resolved: what every remote source has in common. */
import { FurrowError } from '../../../contract/errors.ts';
import type { JsonObject } from '../../../contract/json.ts';
import type { ResolveContext, SourceVersion } from '../../../contract/stage.ts';
import { digestOfJson } from '../../store/digest.ts';
import { staysBelow } from '../../store/safePath.ts';
import { isLitter } from './litter.ts';

export interface PinnedObject {
  /** Below the artifact, with forward slashes. */
  readonly path: string;
  /** With its generation, where the place has such: `gs://bucket/name#1700000000000000`. */
  readonly uri: string;
  /** Undefined where the place does not say. */
  readonly bytes?: number;
  /** Hexadecimal. */
  readonly md5?: string;
  /** Hexadecimal. */
  readonly sha256?: string;
  /** As GCS gives it, base64 of four big-endian bytes: objects put together of parts have no md5. */
  readonly crc32c?: string;
}

/**
 * The version of what was listed: a digest over paths and checksums, so that the same contents elsewhere are the same version.
 *
 * @param objects as the place lists them; hidden ones and litter are left out
 * @throws FurrowError `DATA_EMPTY`; `DATA_BAD_INPUT` for names that would lie outside the destination
 */
export async function versionOfObjects(
  listed: readonly PinnedObject[],
  uri: string,
  keep: ResolveContext<unknown>['keep'],
  facts: JsonObject = {},
): Promise<SourceVersion> {
  const escaping = listed.filter(({ path }) => !staysBelow(path)).map(({ path }) => path);
  if (escaping.length > 0) {
    const shown = escaping.slice(0, 20).join(', ');
    throw new FurrowError('DATA_BAD_INPUT', `The source \`${uri}\` has names that lead out of a folder: ${shown}`, {
      details: { count: escaping.length },
    });
  }
  const objects = listed.filter(({ path }) => !path.split('/').some(isLitter));
  const seen = new Set<string>();
  const twice = objects.find(({ path }) => seen.size === seen.add(path).size);
  if (twice)
    throw new FurrowError('DATA_BAD_INPUT', `The source \`${uri}\` has ${twice.path} twice`, {
      details: { file: twice.path },
    });
  if (objects.length === 0)
    throw new FurrowError('DATA_EMPTY', `The source \`${uri}\` holds no file`, { details: { uri } });
  const sorted = objects.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const files = sorted.map((object) => [object.path, contentName(object) ?? `crc32c:${object.crc32c}:${object.bytes}`]);
  const bytes = sorted.reduce((sum, object) => sum + (object.bytes ?? Number.NaN), 0);
  return {
    digest: digestOfJson({ source: 'objects', files }),
    facts: { uri, files: sorted.length, ...(!Number.isNaN(bytes) && { bytes }), ...facts },
    pins: await keep(new TextEncoder().encode(`${JSON.stringify(sorted)}\n`)),
  };
}

/** What a content is known by, wherever it lies. */
export function contentName({ sha256, md5 }: PinnedObject): string | undefined {
  if (sha256) return `sha256:${sha256}`;
  return md5 && `md5:${md5}`;
}

export function parsePins(content: Uint8Array): readonly PinnedObject[] {
  return JSON.parse(Buffer.from(content).toString('utf8')) as readonly PinnedObject[];
}
