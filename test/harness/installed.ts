import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { productRoot } from '../../lib/code/root.ts';
import { type Project, project } from './command.ts';
import { installProduct } from './product.ts';

export interface Installed {
  /** For what a test needs besides. */
  readonly folder: string;
  /** The product, its command included, as a test may change it. */
  readonly product: string;
  readonly here: Project;
  readonly home: string;
  /** Those of this product or of this home: supervisor, worker, server, trainings. */
  processes(): string[];
  close(): Promise<void>;
}

/** A project that uses a product of its own. */
export function installProject(variables: (folder: string) => NodeJS.ProcessEnv = () => ({})): Installed {
  const folder = mkdtempSync(join(tmpdir(), 'furrow-up-'));
  const product = installProduct(folder);
  for (const name of ['bin', 'configs']) cpSync(join(productRoot, name), join(product, name), { recursive: true });
  const here = project(product, variables(folder));
  const home = join(here.folder, '.furrow');
  return {
    folder,
    product,
    here,
    home,
    processes() {
      if (process.platform === 'win32') return [];
      const { stdout } = spawnSync('ps', ['-A', '-ww', '-o', 'stat=,args='], { encoding: 'utf8' });
      return stdout
        .split('\n')
        .filter((line) => !line.startsWith('Z') && [product, home].some((one) => line.includes(one)));
    },
    async close() {
      await here.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
