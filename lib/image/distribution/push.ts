import { createReadStream } from 'node:fs';
import type { Digest } from '../../../contract/artifact.ts';
import { FurrowError } from '../../../contract/errors.ts';
import { forEachBounded } from '../../parallel/bounded.ts';
import { blobFile, type Layout, readManifest } from '../layout.ts';
import type { Descriptor } from '../manifest.ts';
import { type RepositoryClient, repositoryClient } from './client.ts';
import type { Answer } from './exchange.ts';

export interface PushTarget {
  readonly host: string;
  readonly repository: string;
  readonly tag: string;
}

export interface PushOptions {
  readonly signal?: AbortSignal;
  /** Bytes that are at the registry, of all. */
  progress?(done: number, total: number): void;
  /** Where `DOCKER_CONFIG` is looked up. */
  readonly env?: NodeJS.ProcessEnv;
}

export interface Pushed {
  /** `host/repository:tag@sha256:…` */
  readonly reference: string;
  readonly digest: Digest;
  /** Bytes that the registry did not have yet. */
  readonly uploaded: number;
}

/** As many as docker pushes at once. */
const parallelBlobs = 3;

/**
 * Pushes a layout's image (OCI distribution spec 1.1). Blobs that the repository has are not sent again; the manifest is sent last, so
 * that a push that breaks off leaves nothing that could be pulled. Idempotent.
 *
 * @throws FurrowError `REGISTRY_REFUSED`, `REGISTRY_UNREACHABLE`
 */
export async function pushImage(layout: Layout, target: PushTarget, options: PushOptions = {}): Promise<Pushed> {
  const { descriptor, manifest } = await readManifest(layout);
  const client = repositoryClient({
    ...target,
    access: 'pull,push',
    signal: options.signal,
    ...(options.env && { env: options.env }),
  });
  const blobs = [...new Map([manifest.config, ...manifest.layers].map((blob) => [blob.digest, blob])).values()];
  const total = blobs.reduce((sum, { size }) => sum + size, 0);
  let done = 0;
  let uploaded = 0;
  await forEachBounded(blobs, parallelBlobs, async (blob) => {
    const sent = await client.retry(() => putBlob(client, layout, blob));
    done += blob.size;
    uploaded += sent;
    options.progress?.(done, total);
  });
  await client.retry(() => putManifest(client, layout, descriptor, target.tag));
  return {
    reference: `${target.host}/${target.repository}:${target.tag}@${descriptor.digest}`,
    digest: descriptor.digest,
    uploaded,
  };
}

/**
 * Whether the registry holds the image, by its digest and under the tag.
 *
 * @throws FurrowError as {@link pushImage}: a registry that cannot be asked has not said no.
 */
export async function isPushed(target: PushTarget, digest: Digest, options: PushOptions = {}): Promise<boolean> {
  const client = repositoryClient({
    ...target,
    access: 'pull',
    signal: options.signal,
    ...(options.env && { env: options.env }),
  });
  const found = await client.retry(() => headManifest(client, digest));
  return found === digest && (await client.retry(() => headManifest(client, target.tag))) === digest;
}

async function headManifest(client: RepositoryClient, name: string): Promise<string | undefined> {
  const answer = await client.send(`manifests/${name}`, {
    method: 'HEAD',
    headers: { Accept: 'application/vnd.oci.image.manifest.v1+json' },
    expect: [200, 404],
  });
  answer.body.resume();
  if (answer.status === 404) return undefined;
  // The header is optional; asked by digest, the address itself says it.
  return digestHeader(answer) ?? name;
}

/** The bytes sent: 0 where the registry has the blob. */
async function putBlob(client: RepositoryClient, layout: Layout, { digest, size }: Descriptor): Promise<number> {
  const head = await client.send(`blobs/${digest}`, { method: 'HEAD', expect: [200, 404] });
  head.body.resume();
  if (head.status === 200) return 0;
  const session = await client.send('blobs/uploads/', { method: 'POST', expect: [202] });
  session.body.resume();
  const location = session.headers.location;
  if (!location) throw new FurrowError('REGISTRY_REFUSED', `${client.host} names no address to upload to`);
  const answer = await client.send(withDigest(location, digest), {
    method: 'PUT',
    headers: { 'Content-Type': 'application/octet-stream' },
    body: { bytes: size, stream: () => createReadStream(blobFile(layout, digest), { highWaterMark: 1 << 20 }) },
    expect: [201],
  });
  answer.body.resume();
  checkDigest(client, answer, digest);
  return size;
}

/** The session's address carries the registry's own query, which must stay. */
function withDigest(location: string, digest: Digest): string {
  return `${location}${location.includes('?') ? '&' : '?'}digest=${encodeURIComponent(digest)}`;
}

async function putManifest(
  client: RepositoryClient,
  layout: Layout,
  descriptor: Descriptor,
  tag: string,
): Promise<void> {
  const answer = await client.send(`manifests/${tag}`, {
    method: 'PUT',
    headers: { 'Content-Type': descriptor.mediaType },
    body: { bytes: descriptor.size, stream: () => createReadStream(blobFile(layout, descriptor.digest)) },
    expect: [201],
  });
  answer.body.resume();
  checkDigest(client, answer, descriptor.digest);
}

function checkDigest(client: RepositoryClient, answer: Answer, expected: Digest): void {
  const got = digestHeader(answer);
  if (got === undefined || got === expected) return;
  throw new FurrowError('REGISTRY_REFUSED', `${client.host} stored ${expected} as ${got}`);
}

function digestHeader({ headers }: Answer): string | undefined {
  const value = headers['docker-content-digest'];
  return typeof value === 'string' ? value : undefined;
}
