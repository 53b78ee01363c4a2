import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { FurrowError } from '../../contract/errors.ts';
import { diskFile, type LayerEntry } from './entry.ts';
import { libraryClosure } from './libraries.ts';
import { isSystemFolder, libraryEntry } from './nodeLayer.ts';

const home = 'app/node_modules/@tensorflow/tfjs-node';

/**
 * TensorFlow as the server asks for it: tfjs-node's package with its JavaScript in one file, its binding, and the libraries behind
 * the binding, where the binding's own search path has them. Libraries of the system are left
 * out where the layer below has them.
 *
 * @param have paths of the layer below; undefined where a base image brings a system, whose parts must not be mixed with this one's
 * @param bundle tfjs-node's JavaScript and all that it imports, as the build makes it
 * @throws FurrowError `BACKEND_MISSING`, `SETUP_INCOMPLETE`
 */
export async function tensorflowLayer(
  bundle: string,
  have: ReadonlySet<string> | undefined,
): Promise<readonly LayerEntry[]> {
  const root = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-node/package.json'));
  const binding = join(root, 'lib/napi-v8/tfjs_binding.node');
  if (!existsSync(binding))
    throw new FurrowError('BACKEND_MISSING', 'This worker has no TensorFlow to put into the image');
  if (!existsSync(bundle)) throw new FurrowError('SETUP_INCOMPLETE', `${bundle} is not built`);

  const { libraries } = await libraryClosure(binding);
  const own = libraries.filter(({ folder }) => !isSystemFolder(folder));
  const system = libraries.filter(({ folder }) => isSystemFolder(folder)).map(libraryEntry);
  return [
    diskFile(`${home}/package.json`, join(root, 'package.json')),
    diskFile(`${home}/dist/index.js`, bundle),
    diskFile(`${home}/lib/napi-v8/tfjs_binding.node`, binding, 0o755),
    // The binding's search path is `$ORIGIN/../../deps/lib`.
    ...own.map(({ name, file }) => diskFile(`${home}/deps/lib/${name}`, file, 0o755)),
    ...(have ? system.filter(({ path }) => !have.has(path)) : []),
  ];
}
