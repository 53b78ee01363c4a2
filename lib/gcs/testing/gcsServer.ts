/** A real server that speaks the protocol of Cloud Storage, fsouza/fake-gcs-server: `npm test` builds it where there is Go. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** `FURROW_TEST_GCS`, as `npm test` sets it, else in the per-user cache, else on the PATH. */
export const gcsProgram = findProgram();

export interface GcsServer {
  /** `http://127.0.0.1:PORT` */
  readonly endpoint: string;
  close(): Promise<void>;
}

export async function gcsServer(): Promise<GcsServer> {
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const args = ['-backend', 'memory', '-scheme', 'http', '-host', '127.0.0.1', '-port', `${port}`];
  const child = spawn(String(gcsProgram), [...args, '-public-host', `127.0.0.1:${port}`, '-external-url', endpoint], {
    stdio: 'ignore',
  });
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
  for (let tries = 0; !(await fetch(`${endpoint}/storage/v1/b`).catch(() => undefined))?.ok; tries++) {
    if (tries === 200 || child.exitCode !== null) throw new Error('The GCS server does not answer');
    await sleep(50);
  }
  return {
    endpoint,
    async close() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

function findProgram(): string | undefined {
  const { FURROW_TEST_GCS, XDG_CACHE_HOME, PATH = '' } = process.env;
  const cache = join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'furrow/test-servers');
  const onPath = PATH.split(delimiter).map((folder) => join(folder, 'fake-gcs-server'));
  return [FURROW_TEST_GCS, join(cache, 'fake-gcs-server-1.56.1'), ...onPath].find((path) => path && existsSync(path));
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
