/** The server for a `describe`. */
import { afterAll, beforeAll } from 'vitest';
import { endpointVariable } from '../client.ts';
import { type Faults, type FaultyProxy, faultyProxy } from './faultyProxy.ts';
import { type GcsServer, startGcsServer } from './startGcsServer.ts';

export { gcsProgram } from './startGcsServer.ts';

/** Starts a server before the tests of a `describe`, points the product at it, and takes both back after them. */
export function useGcsServer(): GcsServer {
  const before = process.env[endpointVariable];
  let started: Awaited<ReturnType<typeof startGcsServer>> | undefined;
  const server = (): GcsServer => {
    if (!started) throw new Error('The GCS server is there in hooks and tests alone');
    return started.server;
  };
  beforeAll(async () => {
    started = await startGcsServer();
    process.env[endpointVariable] = started.server.endpoint;
  });
  afterAll(async () => {
    await started?.end('SIGKILL');
    if (before === undefined) delete process.env[endpointVariable];
    else process.env[endpointVariable] = before;
  });
  return {
    get endpoint() {
      return server().endpoint;
    },
    get client() {
      return server().client;
    },
  };
}

/** Points the product at the server through a network that fails, for as long as `act` takes. */
export async function behindFaults<T>(
  server: GcsServer,
  faults: Faults,
  act: (proxy: FaultyProxy) => Promise<T>,
): Promise<T> {
  const proxy = await faultyProxy(server.endpoint, faults);
  process.env[endpointVariable] = proxy.endpoint;
  try {
    return await act(proxy);
  } finally {
    process.env[endpointVariable] = server.endpoint;
    await proxy.close();
  }
}
