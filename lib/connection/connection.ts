import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { readUpState } from '../home/home.ts';

/** Where the Temporal server is, and how one speaks to it. */
export interface TemporalTarget {
  readonly address: string;
  readonly namespace: string;
  readonly tls?: unknown;
  readonly apiKey?: string;
  readonly metadata?: Record<string, string>;
  /** The web UI, where it is known. */
  readonly ui?: string;
  readonly from: 'environment' | 'profile' | 'furrow up';
}

/**
 * Temporal's standard environment configuration first (`TEMPORAL_ADDRESS`, `TEMPORAL_PROFILE`, …), then what `furrow up` runs for
 * `home`, then the `temporal` CLI's default profile. Undefined when there is none of them.
 */
export async function findTemporalTarget(
  home: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<TemporalTarget | undefined> {
  if (env.TEMPORAL_ADDRESS || env.TEMPORAL_PROFILE) return fromEnvironment(env, 'environment');
  const up = readUpState(home);
  if (up?.phase === 'ready') return { address: up.address, namespace: up.namespace, ui: up.ui, from: 'furrow up' };
  const profile =
    env.TEMPORAL_CONFIG_FILE || existsSync(defaultProfileFile(env)) ? await fromEnvironment(env, 'profile') : undefined;
  return profile;
}

/** What the SDK's two kinds of connection take of a target: plain data for both, though each has a type of its own for `tls`. */
export function connectionOptions({ address, tls, apiKey, metadata }: TemporalTarget) {
  return {
    address,
    ...(tls !== undefined && { tls: tls as never }),
    ...(apiKey && { apiKey }),
    ...(metadata && { metadata }),
  };
}

/** The page of a run in the Temporal web UI. */
export function runPage(ui: string, namespace: string, workflowId: string, runId: string): string {
  return `${ui}/namespaces/${encodeURIComponent(namespace)}/workflows/${encodeURIComponent(workflowId)}/${encodeURIComponent(runId)}`;
}

async function fromEnvironment(
  env: NodeJS.ProcessEnv,
  from: 'environment' | 'profile',
): Promise<TemporalTarget | undefined> {
  const { loadClientConnectConfig } = await import('@temporalio/envconfig');
  const { connectionOptions, namespace } = loadClientConnectConfig({ overrideEnvVars: definedVars(env) });
  if (!connectionOptions.address) return undefined;
  const { address, tls, apiKey, metadata } = connectionOptions;
  return {
    address,
    namespace: namespace ?? 'default',
    ...(tls !== undefined && { tls }),
    ...(typeof apiKey === 'string' && { apiKey }),
    ...(metadata && { metadata: metadata as Record<string, string> }),
    ...(env.TEMPORAL_UI_ADDRESS && { ui: env.TEMPORAL_UI_ADDRESS }),
    from,
  };
}

function defaultProfileFile(env: NodeJS.ProcessEnv): string {
  const folder =
    process.platform === 'darwin'
      ? join(homedir(), 'Library', 'Application Support')
      : process.platform === 'win32'
        ? (env.APPDATA ?? homedir())
        : (env.XDG_CONFIG_HOME ?? join(homedir(), '.config'));
  return join(folder, 'temporalio', 'temporal.toml');
}

function definedVars(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
