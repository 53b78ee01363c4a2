import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '../contract/artifact.ts';
import { FurrowError } from '../contract/errors.ts';
import { canonicalJson, type JsonObject } from '../contract/json.ts';
import { type ModelDescription, modelFiles } from '../contract/model.ts';
import { type ModelVersion, versionFiles } from '../contract/registry.ts';
import { implementStage, type StageContext } from '../contract/stage.ts';
import { buildImage } from '../contract/stages/buildImage.ts';
import { entryPoint } from '../lib/code/root.ts';
import type { BaseImage } from '../lib/image/base.ts';
import type { PushTarget } from '../lib/image/distribution/push.ts';
import { refuseOffLinux } from '../lib/image/linuxParts.ts';

type Context = StageContext<(typeof buildImage)['params']['_output'], (typeof buildImage)['inputs']>;

/**
 * The image is a file of the run, as an OCI layout, whether or not it is pushed: `skopeo copy oci:FOLDER …` takes it anywhere.
 * On a hit, what it would be made of now is compared with what it was made of, as Node and a base's tag are in no key; then the registry is
 * asked whether it still has it, under its tag too: a cached run ends as an uncached one would.
 */
export default implementStage(buildImage, {
  async run(context) {
    const { params, scratch, signal, output, log } = context;
    refuseOffLinux({ hasBase: params.base !== undefined });
    const version = await readVersion(context);
    const target = targetOf(params, version);
    const model = await fetchModel(context, version);
    const { imageOrigin } = await import('../lib/image/origin.ts');
    const base = await baseFor(context);
    // Before the image is written: what changes meanwhile shows as a difference next time.
    const origin = await imageOrigin(base);
    const image = await writeImage(context, { version, target, model, base });
    context.progress({ doing: 'storing' });
    const { layoutFiles } = await import('../lib/image/layout.ts');
    for (const { path } of await layoutFiles(image.layout)) await output.addFile(path, join(scratch, 'image', path));

    let pushed: string | null = null;
    if (params.registry !== undefined) {
      const { pushImage } = await import('../lib/image/distribution/push.ts');
      const progress = (done: number, total: number) => context.progress({ doing: 'pushing', done, total });
      const result = await pushImage(image.layout, target, { signal, progress });
      pushed = result.reference;
      log.info(`Pushed ${pushed}`, { uploaded: result.uploaded });
    }
    return {
      metrics: { image_bytes: image.bytes },
      facts: {
        image: image.digest,
        name: `${target.repository}:${target.tag}`,
        pushed,
        model: version.model,
        version: version.version,
        origin,
        layers: image.layers.map(({ name, digest, bytes }) => ({ name, digest, bytes })),
      },
    };
  },

  async isPresent(context, { facts }) {
    const { imageOrigin } = await import('../lib/image/origin.ts');
    const origin = await imageOrigin(await baseFor(context)).catch((error: unknown) => {
      if (!(error instanceof FurrowError) || error.code !== 'REGISTRY_UNREACHABLE') throw error;
      // Nothing is gone; only whether the base's tag has moved cannot be known now.
      context.log.warn(`the image is taken as it is: ${error.message}`);
      return facts.origin;
    });
    if (canonicalJson(facts.origin ?? null) !== canonicalJson(origin)) {
      context.log.info(
        'Node, the platform or the base is another one now: the image is built anew',
        origin as JsonObject,
      );
      return false;
    }
    if (context.params.registry === undefined) return true;
    const { isPushed } = await import('../lib/image/distribution/push.ts');
    const target = targetOf(context.params, await readVersion(context));
    return isPushed(target, facts.image as Digest, { signal: context.signal });
  },
});

async function readVersion({ inputs }: Context): Promise<ModelVersion> {
  const { artifact } = inputs.version;
  const version = JSON.parse(Buffer.from(await artifact.read(versionFiles.version)).toString()) as ModelVersion;
  if (version.format === 1) return version;
  throw new FurrowError('ARTIFACT_FILE_UNKNOWN', `${versionFiles.version} has the format ${version.format}, not 1`);
}

function targetOf(params: Context['params'], version: ModelVersion): PushTarget {
  const [host = '', ...folder] = (params.registry ?? '').split('/');
  return {
    host,
    repository: [...folder, params.name ?? version.model].join('/'),
    tag: params.tag ?? `v${version.version}`,
  };
}

async function fetchModel({ scratch, open, progress }: Context, { lineage }: ModelVersion): Promise<string> {
  progress({ doing: 'fetching the model' });
  const folder = join(scratch, 'model');
  const wanted: readonly string[] = [modelFiles.description, modelFiles.weights];
  await open({ ...lineage.model, uri: '' }).materialize(folder, ({ path }) => wanted.includes(path));
  return folder;
}

interface Ingredients {
  readonly version: ModelVersion;
  readonly target: PushTarget;
  /** The folder of its files. */
  readonly model: string;
  readonly base: BaseImage | undefined;
}

async function writeImage(context: Context, { version, target, model, base }: Ingredients) {
  const { buildServingImage } = await import('../lib/image/build.ts');
  const { readFile } = await import('node:fs/promises');
  const description = JSON.parse(await readFile(join(model, modelFiles.description), 'utf8')) as ModelDescription;
  const folder = join(context.scratch, 'image');
  await mkdir(folder);
  return buildServingImage({
    folder,
    model,
    version,
    needsTensorflow: description.network !== 'ridge',
    bundles: { server: entryPoint('serving/server.ts'), tfjs: entryPoint('serving/tfjs-node.cjs') },
    reference: `${target.repository}:${target.tag}`,
    base,
    signal: context.signal,
    progress: (layer) => context.progress({ doing: `layer ${layer}` }),
  });
}

async function baseFor({ params, signal }: Context): Promise<BaseImage | undefined> {
  if (params.base === undefined) return undefined;
  const { baseImage } = await import('../lib/image/base.ts');
  const { parseReference } = await import('../lib/image/distribution/reference.ts');
  const { platformOf } = await import('../lib/image/manifest.ts');
  const reference = parseReference(params.base);
  if (!reference) {
    throw new FurrowError(
      'IMAGE_BASE_INVALID',
      `Expected \`base\` like registry.example.org/node:20-slim, got \`${params.base}\``,
    );
  }
  return baseImage(reference, platformOf(process.arch), signal);
}
