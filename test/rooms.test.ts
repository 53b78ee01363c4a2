import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { productRoot } from '../lib/code/root.ts';

/** Every arrow that must not be, and those nearby that may: what biome says of each is asked at once, in a copy of the rooms. */
const forbidden: Readonly<Record<string, readonly string[]>> = {
  contract: ['node:fs', 'pino', '@temporalio/workflow', '../lib/home/home.ts', '../workflows/index.ts'],
  workflows: ['node:crypto', 'zod', '@temporalio/client', '../lib/store/store.ts', '../activities/train.ts'],
  lib: [
    '../activities/pass.ts',
    '../worker/roles.ts',
    '../client/output.ts',
    '../serving/app.ts',
    '@temporalio/client',
  ],
  activities: ['../workflows/index.ts', '../worker/roles.ts', '../client/output.ts', '../setup/locate.mjs'],
  serving: ['../activities/pass.ts', '../worker/roles.ts', '@temporalio/client'],
  worker: ['../client/output.ts', '../serving/app.ts', '../setup/setup.mjs', '../test/harness/furrow.ts'],
  client: [
    '../worker/up.ts',
    '../activities/train.ts',
    '../workflows/index.ts',
    '../serving/app.ts',
    '../setup/setup.mjs',
    '@temporalio/worker',
  ],
};
const allowed: Readonly<Record<string, readonly string[]>> = {
  contract: ['zod', './json.ts'],
  workflows: ['../contract/messages.ts', '@temporalio/workflow', '@temporalio/common', './runDag.ts'],
  lib: ['node:fs', '../contract/errors.ts', '../lib/home/home.ts', '@tensorflow/tfjs-node'],
  activities: ['../contract/stage.ts', '../lib/store/store.ts', '@temporalio/activity', 'node:path'],
  serving: ['fastify', '../contract/model.ts', '../lib/models/predict.ts'],
  worker: [
    ...['../activities/attempt/catalog.ts', '../workflows/index.ts', '../lib/home/home.ts'],
    ...['../setup/locate.mjs', '../setup/lock.mjs'],
  ],
  client: [
    ...[
      '../activities/attempt/catalog.ts',
      '../workflows/failureConverter.ts',
      '../setup/locate.mjs',
      '../setup/lock.mjs',
    ],
    ...['../contract/errors.ts', '@temporalio/client', 'commander'],
  ],
};

describe('the arrows between rooms', () => {
  it('are held by the product as it is', () => {
    expect(violations(productRoot)).toEqual([]);
  });

  it('refuse each import that points the wrong way, and no other', () => {
    const folder = mkdtempSync(join(tmpdir(), 'furrow-rooms-'));
    try {
      copyFileSync(join(productRoot, 'biome.json'), join(folder, 'biome.json'));
      for (const room of Object.keys(forbidden)) {
        write(join(folder, room, 'wrong.ts'), forbidden[room] ?? []);
        write(join(folder, room, 'right.ts'), allowed[room] ?? []);
        // Tests may look into other rooms, and build what they need.
        write(join(folder, room, 'wrong.test.ts'), forbidden[room] ?? []);
        write(join(folder, room, 'testing/wrong.ts'), forbidden[room] ?? []);
      }
      const wanted = Object.entries(forbidden).flatMap(([room, imports]) => imports.map(() => `${room}/wrong.ts`));
      expect(violations(folder)).toEqual(wanted.sort());
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

function write(path: string, imports: readonly string[]): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, imports.map((name) => `import '${name}';\n`).join(''));
}

/** The files with a forbidden import, once an import. */
function violations(folder: string): string[] {
  const { stdout } = spawnSync(
    process.execPath,
    [
      join(productRoot, 'node_modules/@biomejs/biome/bin/biome'),
      ...[
        'lint',
        '--only=style/noRestrictedImports',
        '--reporter=json',
        '--max-diagnostics=none',
        '--vcs-enabled=false',
      ],
      ...['contract', 'workflows', 'lib', 'activities', 'serving', 'worker', 'client'],
    ],
    { cwd: folder, encoding: 'utf8' },
  );
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: { location: { path: string | { file: string } } }[] };
  return diagnostics
    .map(({ location: { path } }) => (typeof path === 'string' ? path : path.file).replaceAll('\\', '/'))
    .sort();
}
