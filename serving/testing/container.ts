/** Runs an image's server the way a container would, as far as `chroot` can: its own files, its user, its environment, nothing else. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { createReadStream, existsSync } from 'node:fs';
import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createGunzip } from 'node:zlib';
import { blobFile, type Layout, readManifest } from '../../lib/image/layout.ts';
import type { ImageConfig } from '../../lib/image/manifest.ts';
import { untar } from '../../lib/image/untar.ts';
import { freePort } from '../../lib/testing/localServer.ts';

export interface Container {
  readonly address: string;
  /** Sends SIGTERM. @returns the exit code, or the signal that ended it */
  stop(): Promise<number | string | null>;
}

/** Not on everybody's PATH. */
const chroot = ['/usr/sbin/chroot', '/usr/bin/chroot'].find((path) => existsSync(path));

/**
 * Why images cannot be started here, if they cannot: root may change the root folder; a mount of its own, for /proc, root may make
 * unless it is in a container itself.
 */
export const whyNoContainers = reasonAgainst();
export const canStartContainers = whyNoContainers === undefined;

function reasonAgainst(): string | undefined {
  if (process.platform !== 'linux') return `They are Linux images, this is ${process.platform}.`;
  if (process.getuid?.() !== 0) return 'Only root may change the root folder.';
  if (chroot === undefined) return 'There is no chroot program.';
  if (spawnSync('unshare', ['--mount', 'true']).status !== 0) return 'Root may not mount here, as in most containers.';
  return undefined;
}

/** Milliseconds until a server that loads TensorFlow must answer, on a busy machine. */
const longestStart = 60_000;

export async function readConfig(layout: Layout): Promise<ImageConfig> {
  const { manifest } = await readManifest(layout);
  return JSON.parse(await readFile(blobFile(layout, manifest.config.digest), 'utf8')) as ImageConfig;
}

/** Unpacks the layers, one over the other. */
export async function unpack(layout: Layout, folder: string): Promise<void> {
  const { manifest } = await readManifest(layout);
  for (const { digest } of manifest.layers) {
    const archive = createReadStream(blobFile(layout, digest)).pipe(createGunzip());
    for await (const { path, type, mode, target, content } of untar(archive)) {
      const at = join(folder, path);
      await mkdir(dirname(at), { recursive: true });
      if (type === 'directory') await mkdir(at, { recursive: true });
      else if (type === 'link') await symlink(target, at);
      else await writeFile(at, content);
      if (type !== 'link') await chmod(at, mode);
    }
  }
}

/** The devices that every container runtime provides (OCI runtime spec, config-linux.md), as far as they are asked for here. */
async function makeDevices(root: string): Promise<void> {
  for (const name of ['dev', 'proc']) await mkdir(join(root, name), { recursive: true });
  for (const [name, minor] of [
    ['null', 3],
    ['random', 8],
    ['urandom', 9],
  ] as const) {
    execFileSync('mknod', ['-m', '666', join(root, 'dev', name), 'c', '1', String(minor)]);
  }
}

export async function startContainer(layout: Layout, root: string): Promise<Container> {
  const { config } = await readConfig(layout);
  const port = await freePort();
  await makeDevices(root);
  const env = [...(config.Env ?? []), `PORT=${port}`, 'HOST=127.0.0.1'];
  const command = [String(chroot), `--userspec=${config.User}`, root, ...(config.Entrypoint ?? [])];
  // The mount ends with the process. `exec` all the way: the process that is signalled is the server.
  const script = 'mount -t proc proc "$0/proc" && exec env -i "$@"';
  const child = spawn('unshare', ['--mount', 'sh', '-c', script, root, ...env, ...command], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += text));
  const ended = new Promise<number | string | null>((resolve) => child.on('close', (code, by) => resolve(code ?? by)));
  const address = `http://127.0.0.1:${port}`;
  await untilHealthy(address, child, () => said);
  return {
    address,
    async stop() {
      child.kill('SIGTERM');
      return ended;
    },
  };
}

async function untilHealthy(address: string, child: ChildProcess, said: () => string): Promise<void> {
  const deadline = Date.now() + longestStart;
  for (;;) {
    const end = child.exitCode ?? child.signalCode;
    if (end !== null) throw new Error(`The server ended with ${end}: ${said()}`);
    const answer = await fetch(`${address}/healthz`).catch(() => undefined);
    if (answer?.ok) return;
    if (Date.now() > deadline) {
      child.kill('SIGKILL');
      throw new Error(`The server does not answer: ${said()}`);
    }
    await sleep(50);
  }
}
