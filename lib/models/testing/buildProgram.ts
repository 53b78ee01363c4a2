/** Builds a child's program for a test, beside what `npm run build` makes. */
import { join } from 'node:path';
import { build } from 'esbuild';
import { productRoot } from '../../code/root.ts';

/** Below node_modules, so that packages are found; a file for each process, so that test files do not meet. */
export function programFile(source: string): string {
  const name = source.replaceAll('/', '-').replace(/\.ts$/, '');
  return join(productRoot, 'node_modules/.cache/furrow-test', `${name}-${process.pid}.mjs`);
}

/** @param source relative to the product's folder */
export async function buildProgram(source: string): Promise<string> {
  const outfile = programFile(source);
  await build({
    absWorkingDir: productRoot,
    entryPoints: [source],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
  });
  return outfile;
}
