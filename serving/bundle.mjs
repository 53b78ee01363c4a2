// @ts-check
// Bundles what runs inside the image, where no node_modules is: the server, and TensorFlow's JavaScript beside its native parts.
import { join } from 'node:path';
import { build } from 'esbuild';

/** The files that `bundleServing` writes, by what they are. */
export const servingBundles = { server: 'serving/server.js', tfjs: 'serving/tfjs-node.cjs' };

/**
 * @param {{ root: string, outdir: string }} at  `outdir` is `dist`, or the folder that becomes it
 */
export async function bundleServing({ root, outdir }) {
  /** @type {import('esbuild').BuildOptions} */
  const shared = {
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    target: 'node20',
    legalComments: 'none',
    logLevel: 'warning',
  };
  await Promise.all([
    build({
      ...shared,
      entryPoints: ['serving/server.ts'],
      outfile: join(outdir, servingBundles.server),
      format: 'esm',
      external: ['@tensorflow/tfjs-node'],
      // CommonJS packages inside an ESM bundle ask for `require`.
      banner: {
        js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
      },
    }),
    build({
      ...shared,
      entryPoints: [join(root, 'node_modules/@tensorflow/tfjs-node/dist/index.js')],
      outfile: join(outdir, servingBundles.tfjs),
      format: 'cjs',
      plugins: [bindingFinder],
    }),
  ]);
}

/**
 * tfjs-node asks node-pre-gyp where its binding lies: 40 packages to answer one path. In the image the binding lies where
 * tfjs-node's own package has it, below the folder of the package.json that it asks with.
 *
 * @type {import('esbuild').Plugin}
 */
const bindingFinder = {
  name: 'binding-finder',
  setup(bundle) {
    bundle.onResolve({ filter: /^@mapbox\/node-pre-gyp$/ }, () => ({
      path: 'node-pre-gyp',
      namespace: 'binding-finder',
    }));
    bundle.onLoad({ filter: /.*/, namespace: 'binding-finder' }, () => ({
      contents: "exports.find = (manifest) => require('path').join(manifest, '../lib/napi-v8/tfjs_binding.node');",
      loader: 'js',
    }));
  },
};
