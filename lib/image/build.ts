import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Digest } from '../../contract/artifact.ts';
import { FurrowError } from '../../contract/errors.ts';
import { canonicalJson } from '../../contract/json.ts';
import { modelFiles } from '../../contract/model.ts';
import { type ModelVersion, versionFiles } from '../../contract/registry.ts';
import type { BaseImage, TakenOver } from './base.ts';
import { diskFile, type LayerEntry, textFile } from './entry.ts';
import { addJson, addLayer, createLayout, type Layout, writeIndex } from './layout.ts';
import { refuseOffLinux } from './linuxParts.ts';
import { type ImageConfig, type ImageManifest, type LayerDescriptor, mediaTypes, platformOf } from './manifest.ts';
import { type NodeLayer, nodeLayer, userId } from './nodeLayer.ts';
import { tar } from './tar.ts';
import { tensorflowLayer } from './tensorflowLayer.ts';

export const servingPort = 8080;

export interface ImageRequest {
  /** An empty folder for the layout. */
  readonly folder: string;
  /** A folder with `model.json` and `weights.f32`. */
  readonly model: string;
  readonly needsTensorflow: boolean;
  /** The built server, and tfjs-node's JavaScript in one file. */
  readonly bundles: { readonly server: string; readonly tfjs: string };
  /** What the image is called in its labels and what the server answers with. */
  readonly version: ModelVersion;
  /** Shown by registries and `docker images`: `nitrogen:v3`. */
  readonly reference: string;
  /** Brings Node and the system; without it the running Node goes in. */
  readonly base?: BaseImage | undefined;
  readonly signal?: AbortSignal;
  progress?(layer: string): void;
}

export interface BuiltImage {
  readonly layout: Layout;
  /** What the image is known by. */
  readonly digest: Digest;
  readonly layers: readonly { readonly name: string; readonly digest: Digest; readonly bytes: number }[];
  /** Of all blobs, compressed. */
  readonly bytes: number;
}

interface NamedLayer {
  readonly name: string;
  readonly entries: readonly LayerEntry[];
}

/** Every time in the image: nothing in it may depend on when it was built. */
const epoch = '1970-01-01T00:00:00Z';

/**
 * Writes the image that serves a model, as an OCI layout. Only files that are named here go into it: no folder is taken as a whole,
 * no environment is copied. The same model, Node and build give the same bytes, and so the same digest.
 *
 * What changes seldom lies below: Node, then TensorFlow, then the server, then the model, so that a registry and the machines that
 * pull get only the model anew.
 *
 * @throws FurrowError `SETUP_INCOMPLETE`, `BACKEND_MISSING`, `IMAGE_BASE_INVALID`
 */
export async function buildServingImage(request: ImageRequest): Promise<BuiltImage> {
  const { base, signal } = request;
  refuseOffLinux({ hasBase: base !== undefined, needsTensorflow: request.needsTensorflow });
  const layout = await createLayout(request.folder);
  const below = await base?.copyInto(layout);
  const node = below ? undefined : await nodeLayer();
  const named = await namedLayers(request, node?.entries);
  const layers: LayerDescriptor[] = [];
  for (const { name, entries } of named) {
    signal?.throwIfAborted();
    request.progress?.(name);
    layers.push(await addLayer(layout, tar(entries), signal));
  }
  const config = configOf(request, named, layers, below, node);
  const manifest: ImageManifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: await addJson(layout, mediaTypes.config, config),
    layers: [...(below?.layers ?? []), ...layers.map(({ diffId: _, ...descriptor }) => descriptor)],
  };
  const descriptor = await addJson(layout, mediaTypes.manifest, manifest);
  await writeIndex(layout, {
    ...descriptor,
    platform: { os: config.os, architecture: config.architecture },
    annotations: { 'org.opencontainers.image.ref.name': request.reference },
  });
  return {
    layout,
    digest: descriptor.digest,
    layers: layers.map(({ digest, size }, i) => ({ name: named[i]?.name ?? '', digest, bytes: size })),
    bytes: [descriptor, manifest.config, ...manifest.layers].reduce((sum, { size }) => sum + size, 0),
  };
}

function configOf(
  { version }: ImageRequest,
  named: readonly NamedLayer[],
  layers: readonly LayerDescriptor[],
  below: TakenOver | undefined,
  node: NodeLayer | undefined,
): ImageConfig {
  return {
    created: epoch,
    ...(below?.platform ?? platformOf(node?.arch ?? process.arch)),
    config: {
      User: `${userId}:${userId}`,
      ExposedPorts: { [`${servingPort}/tcp`]: {} },
      Env: [
        ...(below?.env ?? ['PATH=/usr/local/bin']),
        'NODE_ENV=production',
        `PORT=${servingPort}`,
        ...(node?.libraryPath.length ? [`LD_LIBRARY_PATH=${node.libraryPath.join(':')}`] : []),
      ],
      Entrypoint: [below?.node ?? '/usr/local/bin/node', '/app/server.js'],
      WorkingDir: '/app',
      Labels: labelsOf(version),
      StopSignal: 'SIGTERM',
    },
    rootfs: { type: 'layers', diff_ids: [...(below?.diffIds ?? []), ...layers.map(({ diffId }) => diffId)] },
    history: [
      ...(below?.history ?? []),
      ...named.map(({ name }) => ({ created: epoch, created_by: `furrow buildImage: ${name}` })),
    ],
  };
}

/** The names of the OCI image spec's annotations.md where it has one. */
function labelsOf({ model, version, target, lineage }: ModelVersion): Record<string, string> {
  return {
    'org.opencontainers.image.title': model,
    'org.opencontainers.image.version': String(version),
    'org.opencontainers.image.description': `Predicts ${target.name} (${target.unit}) of a plot from its drone images`,
    'furrow.model': model,
    'furrow.version': String(version),
    'furrow.model.digest': lineage.model.digest,
    'furrow.evaluation.digest': lineage.evaluation.digest,
  };
}

async function namedLayers(request: ImageRequest, node: readonly LayerEntry[] | undefined): Promise<NamedLayer[]> {
  const { bundles, model, needsTensorflow, version } = request;
  if (!existsSync(bundles.server)) throw new FurrowError('SETUP_INCOMPLETE', `${bundles.server} is not built`);
  const have = node && new Set(node.map(({ path }) => path));
  return [
    ...(node ? [{ name: 'node', entries: node }] : []),
    ...(needsTensorflow ? [{ name: 'tensorflow', entries: await tensorflowLayer(bundles.tfjs, have) }] : []),
    {
      name: 'server',
      entries: [diskFile('app/server.js', bundles.server), textFile('app/package.json', '{ "type": "module" }\n')],
    },
    {
      name: 'model',
      entries: [
        ...[modelFiles.description, modelFiles.weights].map((file) => diskFile(`app/model/${file}`, join(model, file))),
        textFile(`app/model/${versionFiles.version}`, `${canonicalJson(version)}\n`),
      ],
    },
  ];
}
