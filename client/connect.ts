import { Client, Connection } from '@temporalio/client';
import { FurrowError } from '../contract/errors.ts';
import { connectionOptions, findTemporalTarget, type TemporalTarget } from '../lib/connection/connection.ts';
import { homeFolder } from '../lib/home/home.ts';
import { failureConverter } from '../workflows/failureConverter.ts';

export interface Connected {
  readonly client: Client;
  readonly target: TemporalTarget;
}

/** Connects to the server that this folder's `furrow up`, or Temporal's environment configuration, says. */
export async function connect(): Promise<Connected> {
  const target = await findTemporalTarget(homeFolder());
  if (!target) throw new FurrowError('SERVER_UNREACHABLE', 'Nothing is up here, and TEMPORAL_ADDRESS is not set');
  return connectTo(target);
}

export async function connectTo(target: TemporalTarget): Promise<Connected> {
  try {
    const connection = await Connection.connect({ ...connectionOptions(target), connectTimeout: '5 seconds' });
    const client = new Client({
      connection,
      namespace: target.namespace,
      dataConverter: { failureConverter } as never,
    });
    return { client, target };
  } catch (cause) {
    throw new FurrowError('SERVER_UNREACHABLE', `Temporal does not answer at ${target.address}`, { cause });
  }
}
