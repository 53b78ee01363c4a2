import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** `user:password` in base64, as a Basic header carries it. */
export type BasicCredentials = string;

/**
 * What `docker login` on this worker stored for a registry, in `~/.docker/config.json` or below `DOCKER_CONFIG`. Credentials come from
 * nowhere else: a pipeline's parameters go into history. Credential helpers are not asked, only `auths`.
 */
export async function credentialsFor(
  host: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<BasicCredentials | undefined> {
  const folder = env.DOCKER_CONFIG || join(homedir(), '.docker');
  const text = await readFile(join(folder, 'config.json'), 'utf8').catch(() => '{}');
  const auths = authsIn(text);
  const names =
    host === 'docker.io' ? ['https://index.docker.io/v1/', host] : [host, `https://${host}`, `http://${host}`];
  for (const name of names) {
    const entry = auths[name];
    if (entry?.auth) return entry.auth;
    if (entry?.username) return Buffer.from(`${entry.username}:${entry.password ?? ''}`).toString('base64');
  }
  return undefined;
}

type Auths = Readonly<
  Record<string, { readonly auth?: string; readonly username?: string; readonly password?: string }>
>;

function authsIn(text: string): Auths {
  try {
    return (JSON.parse(text) as { auths?: Auths } | null)?.auths ?? {};
  } catch {
    // A damaged file is as good as none: the registry says whether it wants a login.
    return {};
  }
}
