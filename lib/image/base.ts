import type { Digest } from '../../contract/artifact.ts';
import { FurrowError } from '../../contract/errors.ts';
import { type RepositoryClient, repositoryClient } from './distribution/client.ts';
import { readWhole } from './distribution/exchange.ts';
import type { Reference } from './distribution/reference.ts';
import { bringsFile } from './findFile.ts';
import { addStream, digestOfBytes, type Layout } from './layout.ts';
import {
  type Descriptor,
  dockerMediaTypes,
  type ImageConfig,
  type ImageIndex,
  type ImageManifest,
  mediaTypes,
  type Platform,
} from './manifest.ts';

/** An image to build upon. */
export interface BaseImage {
  /** Of the manifest or index that its address leads to. Asked once: a tag that is moved later does not move this base. */
  digest(): Promise<Digest>;
  /** Fetches the base's layers into the layout and says what the new image takes over. */
  copyInto(layout: Layout): Promise<TakenOver>;
}

export interface TakenOver {
  readonly platform: Platform;
  readonly env: readonly string[];
  /** The command that starts Node: the base's own entry point where that is Node, else from its PATH. */
  readonly node: string;
  readonly layers: readonly Descriptor[];
  readonly diffIds: readonly Digest[];
  readonly history: NonNullable<ImageConfig['history']>;
}

/** Where container runtimes look for programs when an image does not say. */
const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** Manifests and configs are a few kilobytes. */
const largestJson = 4 << 20;
const manifestHeaders = {
  Accept: [mediaTypes.index, mediaTypes.manifest, dockerMediaTypes.index, dockerMediaTypes.manifest].join(', '),
};

/**
 * A base image in a registry, for one platform. It must bring Node 20 or later and the libraries that Node needs.
 *
 * @throws FurrowError `IMAGE_BASE_INVALID` when it is not there, and from `copyInto` when it is for other machines; `REGISTRY_…` otherwise.
 */
export function baseImage(reference: Reference, platform: Platform, signal?: AbortSignal): BaseImage {
  const client = repositoryClient({ ...reference, access: 'pull', signal });
  const name = `${reference.host}/${reference.repository}`;
  let asked: Promise<Digest> | undefined;
  const digest = () => {
    asked ??= reference.digest
      ? Promise.resolve(reference.digest)
      : resolveTag(client, reference.tag ?? 'latest', name);
    return asked;
  };
  return {
    digest,
    async copyInto(layout) {
      const manifest = await findManifest(client, await digest(), platform, name);
      const config = JSON.parse((await blobBytes(client, manifest.config)).toString()) as ImageConfig;
      if (config.os !== platform.os || config.architecture !== platform.architecture)
        throw wrongPlatform(name, platform);
      const layers = manifest.layers.map((layer) => ({ ...layer, mediaType: ociLayer(layer.mediaType) }));
      for (const layer of layers) await client.retry(() => fetchBlob(client, layout, layer));
      if ((await bringsFile(layout, layers, nodePaths(config))) === false) {
        throw new FurrowError('IMAGE_BASE_INVALID', `${name} brings no Node`);
      }
      return {
        platform,
        env: (config.config.Env ?? []).filter((line) => !/^(PORT|NODE_ENV)=/.test(line)),
        node: nodeCommand(config),
        layers,
        diffIds: config.rootfs.diff_ids,
        history: config.history ?? layers.map(() => ({ created_by: name })),
      };
    },
  };
}

/** Asked without fetching: Docker Hub counts only what is fetched as a pull. */
async function resolveTag(client: RepositoryClient, tag: string, image: string): Promise<Digest> {
  return client.retry(async () => {
    const answer = await client.send(`manifests/${tag}`, {
      method: 'HEAD',
      headers: manifestHeaders,
      expect: [200, 404],
    });
    answer.body.resume();
    if (answer.status === 404) throw missing(image, tag);
    const said = answer.headers['docker-content-digest'];
    if (typeof said === 'string') return said as Digest;
    // The header is optional.
    const whole = await client.send(`manifests/${tag}`, { method: 'GET', headers: manifestHeaders, expect: [200] });
    return digestOfBytes(await readWhole(whole.body, largestJson));
  });
}

async function findManifest(
  client: RepositoryClient,
  name: string,
  platform: Platform,
  image: string,
): Promise<ImageManifest> {
  const found = await fetchJson<ImageIndex & ImageManifest>(client, name);
  if (!found) throw missing(image, name);
  if (!found.manifests) return found;
  const fitting = found.manifests.find(
    (each) => each.platform?.os === platform.os && each.platform.architecture === platform.architecture,
  );
  const manifest = fitting && (await fetchJson<ImageManifest>(client, fitting.digest));
  if (!manifest) throw wrongPlatform(image, platform);
  return manifest;
}

async function fetchJson<T>(client: RepositoryClient, name: string): Promise<T | undefined> {
  return client.retry(async () => {
    const answer = await client.send(`manifests/${name}`, {
      method: 'GET',
      headers: manifestHeaders,
      expect: [200, 404],
    });
    const bytes = await readWhole(answer.body, largestJson);
    if (answer.status === 404) return undefined;
    if (name.startsWith('sha256:') && digestOfBytes(bytes) !== name) {
      throw new FurrowError('BLOB_CORRUPT', `${client.host} gave another manifest than ${name}`);
    }
    return JSON.parse(bytes.toString()) as T;
  });
}

async function blobBytes(client: RepositoryClient, { digest }: Descriptor): Promise<Buffer> {
  return client.retry(async () => {
    const answer = await client.send(`blobs/${digest}`, { method: 'GET', expect: [200] });
    const bytes = await readWhole(answer.body, largestJson);
    if (digestOfBytes(bytes) !== digest)
      throw new FurrowError('BLOB_CORRUPT', `${client.host} gave another blob than ${digest}`);
    return bytes;
  });
}

async function fetchBlob(client: RepositoryClient, layout: Layout, layer: Descriptor): Promise<void> {
  const answer = await client.send(`blobs/${layer.digest}`, { method: 'GET', expect: [200] });
  await addStream(layout, answer.body, layer);
}

/** The same bytes under OCI's own name. */
function ociLayer(mediaType: string): string {
  return mediaType === dockerMediaTypes.layer ? mediaTypes.layer : mediaType;
}

/** Distroless images start Node themselves and have it on no PATH; Docker's official ones have it on the PATH. */
function nodeCommand({ config }: ImageConfig): string {
  const first = config.Entrypoint?.[0] ?? '';
  return /(^|\/)node$/.test(first) ? first : 'node';
}

function nodePaths(config: ImageConfig): Set<string> {
  const node = nodeCommand(config);
  if (node.startsWith('/')) return new Set([node.slice(1)]);
  const path = config.config.Env?.find((line) => line.startsWith('PATH='))?.slice('PATH='.length) ?? defaultPath;
  return new Set(path.split(':').map((folder) => `${folder.replace(/^\/|\/$/g, '')}/${node}`));
}

function missing(image: string, name: string): FurrowError {
  return new FurrowError('IMAGE_BASE_INVALID', `There is no image ${image} ${name}`);
}

function wrongPlatform(image: string, { os, architecture }: Platform): FurrowError {
  return new FurrowError('IMAGE_BASE_INVALID', `${image} is not for ${os}/${architecture}`);
}
