import { execFileSync } from 'node:child_process';
import type { WorkflowHandle } from '@temporalio/client';
import { findTemporal } from '../../setup/locate.mjs';
import type { TestFurrow } from './furrow.ts';

/** A command of the Temporal CLI against the test's server. */
export function temporal({ target }: TestFurrow, ...args: string[]): string {
  const cli = findTemporal();
  if (!cli) throw new Error('The Temporal CLI is not installed');
  const at = ['--address', target.address, '--namespace', target.namespace, '--output', 'json'];
  return execFileSync(cli.path, [...args, ...at], { encoding: 'utf8', maxBuffer: 64 << 20 });
}

/** A run's whole history as JSON, as everybody who may look at it sees it. */
export function historyJson(furrow: TestFurrow, { workflowId }: WorkflowHandle): string {
  return temporal(furrow, 'workflow', 'show', '--workflow-id', workflowId);
}

/** Every payload of a history, as text. */
export function payloadsOf(history: string): string[] {
  return [...history.matchAll(/"data":\s*"([A-Za-z0-9+/=]*)"/g)].map(([, data]) =>
    Buffer.from(data as string, 'base64').toString(),
  );
}
