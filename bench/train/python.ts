/** Finds, or makes, a Python with PyTorch. It is no part of the product: without one, the bench shows our side alone. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { productRoot } from '../../lib/code/root.ts';
import { threads } from './cases.ts';
import type { Program } from './side.ts';

/** What the comparison is with. */
const torchVersion = '2.15.0';
const cpuIndex = 'https://download.pytorch.org/whl/cpu';
const environment = join(homedir(), '.cache/furrow/bench-torch');
const installed = join(environment, 'bin/python');

export const howToCompare =
  'No PyTorch to compare with: `npm run bench:train -- --install-torch` makes an environment for it, `--python PATH` or FURROW_BENCH_PYTHON names one.';

/** Undefined where there is none, or it has no PyTorch. */
export function findPython(given: string | undefined): string | undefined {
  const named = given || process.env.FURROW_BENCH_PYTHON || undefined;
  if (named !== undefined && !hasTorch(named)) throw new Error(`${named} cannot import torch`);
  if (named !== undefined) return named;
  return existsSync(installed) && hasTorch(installed) ? installed : undefined;
}

function hasTorch(python: string): boolean {
  return spawnSync(python, ['-c', 'import torch'], { stdio: 'ignore' }).status === 0;
}

/** PyTorch's own index holds builds without CUDA, 200 MB; PyPI's have it, and are several GB. */
export function installTorch(): void {
  run('python3', '-m', 'venv', environment);
  const install = ['-m', 'pip', 'install', '--quiet', '--retries', '1', `torch==${torchVersion}`];
  try {
    run(installed, ...install, '--index-url', cpuIndex);
  } catch {
    process.stderr.write(`${cpuIndex} is not reached; PyPI is tried\n`);
    run(installed, ...install);
  }
}

function run(command: string, ...args: string[]): void {
  execFileSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
}

export function torchProgram(python: string): Program {
  const { PATH = '', HOME = '', TMPDIR } = process.env;
  return {
    command: python,
    args: [join(productRoot, 'bench/torch/side.py')],
    env: { PATH, HOME, ...(TMPDIR && { TMPDIR }), OMP_NUM_THREADS: String(threads), PYTHONDONTWRITEBYTECODE: '1' },
  };
}
