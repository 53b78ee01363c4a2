// @ts-check
// `npm test` after the set-up: style and arrows between rooms, types, then every test, with coverage.
import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { ensureDvc, ensureGcsServer, ensureWandb } from '../setup/testServers.mjs';

const root = resolve(import.meta.dirname, '..');
const tool = (/** @type {string} */ path) => join(root, 'node_modules', path);

/** @type {readonly (readonly [string, readonly string[]])[]} */
const steps = [
  ['style and arrows between rooms', [tool('@biomejs/biome/bin/biome'), 'check', '--error-on-warnings', '.']],
  ['types', [tool('typescript/bin/tsc'), '--noEmit']],
  ['tests', [tool('vitest/vitest.mjs'), 'run', '--coverage', ...process.argv.slice(2)]],
];

const programs = {
  FURROW_TEST_GCS: await ensureGcsServer(),
  FURROW_TEST_DVC: await ensureDvc(),
  FURROW_TEST_WANDB: await ensureWandb(),
};
// One that is not there is `undefined`, which is no variable.
const env = { ...process.env, ...programs };

for (const [name, args] of steps) {
  const started = Date.now();
  process.stdout.write(`\n${name}\n`);
  const { status } = spawnSync(process.execPath, args, { cwd: root, env, stdio: 'inherit' });
  if (status !== 0) {
    process.stderr.write(`${name}: failed\n`);
    process.exit(status ?? 1);
  }
  process.stdout.write(`${name}: passed in ${((Date.now() - started) / 1000).toFixed(1)} s\n`);
}
