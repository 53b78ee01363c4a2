/** CNCF Distribution's registry, where this machine has it: `go install github.com/distribution/distribution/v3/cmd/registry@latest`. */
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { answering, findProgram, freePort } from '../../testing/localServer.ts';

/** `FURROW_TEST_REGISTRY`, else in the per-user cache, else on the PATH (`docker-registry` in Debian). */
export const registryProgram = findProgram('FURROW_TEST_REGISTRY', 'registry/registry', 'docker-registry');

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
  const end = await answering(child, { url: `http://${host}/v2/`, seconds: 5 });
  return { host, close: () => end() };
}
