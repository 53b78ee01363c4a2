/** Images for tests: everything is there, but the server is one line and the model a few bytes. */
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelVersion } from '../../../contract/registry.ts';
import type { ImageRequest } from '../build.ts';

export const smallVersion: ModelVersion = {
  format: 1,
  model: 'nitrogen',
  version: 3,
  winner: { name: 'ridge', network: 'ridge' },
  target: { name: 'nitrogen', unit: 'kg/ha' },
  lineage: {
    model: { digest: `sha256:${'a'.repeat(64)}`, kind: 'model', bytes: 1 },
    evaluation: { digest: `sha256:${'b'.repeat(64)}`, kind: 'evaluation', bytes: 1 },
    key: `sha256:${'c'.repeat(64)}`,
  },
  metrics: { test_mae: 20 },
};

/** A request with a folder of its own below `parent`. Beside the files that belong into the image lie some that do not. */
export async function smallRequest(parent: string): Promise<ImageRequest> {
  const at = await mkdtemp(join(parent, 'request-'));
  const [folder, model, server] = [join(at, 'image'), join(at, 'model'), join(at, 'server.js')];
  await mkdir(folder);
  await mkdir(model);
  await writeFile(join(model, 'model.json'), '{"format":1}');
  await writeFile(join(model, 'weights.f32'), new Uint8Array(16));
  await writeFile(join(model, 'plot_green.tif'), 'confidential pixels');
  await writeFile(join(at, '.npmrc'), '//registry/:_authToken=npm-token-in-a-file');
  await writeFile(server, 'console.log("served");\n');
  return {
    folder,
    model,
    version: smallVersion,
    needsTensorflow: false,
    bundles: { server, tfjs: join(at, 'tfjs-node.cjs') },
    reference: 'nitrogen:v3',
  };
}
