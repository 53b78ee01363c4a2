import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The product's folder, whether this module runs from its source or from a bundle in `dist/`. */
export const productRoot: string = findRoot(dirname(fileURLToPath(import.meta.url)));

/**
 * The built file of a program that is started as a process of its own, by the path of its source: `lib/models/child/main.ts`.
 *
 * Write the path as a plain string: the build looks for these calls, to build each program and to count its modules into the
 * fingerprint of every stage that can start it.
 */
export function entryPoint(source: string): string {
  return join(productRoot, 'dist', source.replace(/\.ts$/, '.js'));
}

function findRoot(folder: string): string {
  if (existsSync(join(folder, 'package.json')) && existsSync(join(folder, 'contract'))) return folder;
  const parent = dirname(folder);
  if (parent === folder) throw new Error('Expected to run from within the Furrow folder');
  return findRoot(parent);
}
