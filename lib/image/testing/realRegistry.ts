/** CNCF Distribution's registry, where this machine has it: `go install github.com/distribution/distribution/v3/cmd/registry@latest`. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** `FURROW_TEST_REGISTRY`, else in the per-user cache, else on the PATH (`docker-registry` in Debian). */
export const registryProgram = findProgram();

export interface RealRegistry {
  readonly host: string;
  close(): Promise<void>;
}

/** @param folder empty; holds the registry's storage */
export async function realRegistry(folder: string): Promise<RealRegistry> {
  const host = `127.0.0.1:${await freePort()}`;
  const config = {
    version: 0.1,
    storage: { filesystem: { rootdirectory: join(folder, 'data') } },
    http: { addr: host },
    log: { level: 'error', accesslog: { disabled: true } },
  };
  await writeFile(join(folder, 'config.yml'), JSON.stringify(config));
  const child = spawn(String(registryProgram), ['serve', join(folder, 'config.yml')], {
    env: { ...process.env, OTEL_TRACES_EXPORTER: 'none' },
    stdio: 'ignore',
  });
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
  for (let tries = 0; !(await fetch(`http://${host}/v2/`).catch(() => undefined))?.ok; tries++) {
    if (tries === 100 || child.exitCode !== null) throw new Error('The registry does not answer');
    await sleep(50);
  }
  return {
    host,
    async close() {
      child.kill();
      await ended;
    },
  };
}

function findProgram(): string | undefined {
  const { FURROW_TEST_REGISTRY, XDG_CACHE_HOME, PATH = '' } = process.env;
  const cache = join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'furrow/registry');
  const onPath = PATH.split(delimiter).map((folder) => join(folder, 'docker-registry'));
  return [FURROW_TEST_REGISTRY, join(cache, 'registry'), ...onPath].find((path) => path && existsSync(path));
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
