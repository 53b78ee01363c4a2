/** What a result's last bits depend on, read without loading TensorFlow. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import type { RuntimeClass } from '../../contract/artifact.ts';

export type Backend = 'tensorflow' | 'none';

/** @param backend `tensorflow` for a stage that computes with it. */
export function runtimeClass(backend: Backend): RuntimeClass {
  const libtensorflow = backend === 'tensorflow' ? readLibtensorflow() : undefined;
  return {
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
    backend,
    ...(libtensorflow ? { libtensorflow } : {}),
    threads: backend === 'tensorflow' ? tensorflowThreads() : 1,
    instructions: instructions(),
  };
}

/** Threads of one TensorFlow operation: `TF_NUM_INTRAOP_THREADS`, as TensorFlow reads it, else all cores that this process may use. */
export function tensorflowThreads(env: NodeJS.ProcessEnv = process.env): number {
  const set = Number(env.TF_NUM_INTRAOP_THREADS);
  return Number.isInteger(set) && set > 0 ? set : availableParallelism();
}

/** Version and digest, as `npm run setup` recorded them beside the library; undefined where the library is not there. */
function readLibtensorflow(): string | undefined {
  try {
    const root = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-node/package.json'));
    const manifest: unknown = JSON.parse(readFileSync(join(root, 'deps', 'furrow.json'), 'utf8'));
    const { libtensorflow, files } = manifest as { libtensorflow: string; files: Record<string, string> };
    const [, digest = ''] = Object.entries(files).find(([path]) => /libtensorflow(_cc)?[.]/.test(path)) ?? [];
    return `${libtensorflow} sha256:${digest.slice(0, 16)}`;
  } catch {
    return undefined;
  }
}

/** Of what a CPU offers, what decides which kernels oneDNN and Eigen take; oneDNN's own switches belong to it. */
function instructions(): string {
  const switches = ['TF_ENABLE_ONEDNN_OPTS', 'ONEDNN_MAX_CPU_ISA']
    .filter((name) => process.env[name] !== undefined)
    .map((name) => `${name}=${process.env[name]}`);
  return [...vectorInstructions(), ...switches].join('+') || 'unknown';
}

function vectorInstructions(): string[] {
  try {
    const flags =
      /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.trim().split(/\s+/) ?? [];
    const present = ['amx_tile', 'avx512f', 'avx2', 'fma', 'sve', 'asimd'].filter((name) => flags.includes(name));
    return present.length > 0 ? present : flags.includes('sse4_2') ? ['sse4_2'] : [];
  } catch {
    return [];
  }
}
