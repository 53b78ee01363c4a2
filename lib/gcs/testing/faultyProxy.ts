/** A network that fails: stands before a server and spoils some of its answers, by a seed. */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { uniforms } from '../../models/random.ts';

/** `lost`: the server did it, and its answer never came. */
export const faults = ['500', '503', '429', 'reset', 'truncated', 'flipped', 'slow', 'lost'] as const;
export type Fault = (typeof faults)[number];

export interface FaultyProxy {
  readonly endpoint: string;
  /** What was asked, as `METHOD /path?query`. */
  readonly requests: readonly string[];
  /** How often each fault was done. */
  readonly counts: ReadonlyMap<Fault, number>;
  close(): Promise<void>;
}

export interface Faults {
  /** Of the requests that fail, in [0, 1]. */
  readonly share: number;
  readonly seed: number;
  /** Requests that match fail, as `METHOD /path?query`; all by default. */
  readonly only?: RegExp;
  /** All by default. */
  readonly kinds?: readonly Fault[];
  /** Objects in a page of a list, where who asks names no other number: Google's own server gives 1,000. */
  readonly page?: number;
}

export async function faultyProxy(
  target: string,
  { share, seed, only = /^/, kinds = faults, page }: Faults,
): Promise<FaultyProxy> {
  const counts = new Map<Fault, number>();
  const requests: string[] = [];
  let asked = 0;
  let dealt = 0;
  // Which requests fail is drawn; how they fail goes round, so that a few faults show every kind.
  const faultOfNext = (): Fault | undefined => {
    const [whether = 0] = uniforms({ seed, use: 'bootstrap', step: asked++ }, 1);
    return whether < share ? kinds[dealt++ % kinds.length] : undefined;
  };
  const server = createServer(async (incoming, outgoing) => {
    requests.push(`${incoming.method} ${incoming.url}`);
    const fault = only.test(`${incoming.method} ${incoming.url}`) ? faultOfNext() : undefined;
    if (fault) counts.set(fault, (counts.get(fault) ?? 0) + 1);
    if (fault === 'reset') return void incoming.socket.destroy();
    if (fault === '500' || fault === '503' || fault === '429') {
      incoming.resume();
      outgoing.writeHead(Number(fault), {
        'content-type': 'application/json',
        ...(fault === '429' && { 'retry-after': '0' }),
      });
      return void outgoing.end(JSON.stringify({ error: { code: Number(fault), message: 'a fault of the test' } }));
    }
    if (fault === 'slow') await sleep(300);
    if (page !== undefined && /\/o\?(?!.*maxResults=)/.test(incoming.url ?? '')) incoming.url += `&maxResults=${page}`;
    passOn(target, incoming, outgoing, fault);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    counts,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function passOn(target: string, incoming: IncomingMessage, outgoing: ServerResponse, fault: Fault | undefined): void {
  const { method, url, headers } = incoming;
  const passed = request(
    `${target}${url}`,
    { method, headers: { ...headers, host: new URL(target).host } },
    (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => {
        const body = Buffer.concat(chunks);
        if (fault === 'lost') return void outgoing.destroy();
        // Of one connection only: here the length is known.
        const { 'transfer-encoding': _, connection: __, location, ...passedOn } = answer.headers;
        // Where the chunks of an upload go: here, too.
        if (location) passedOn.location = location.replace(target, `http://${incoming.headers.host}`);
        outgoing.writeHead(answer.statusCode ?? 500, { ...passedOn, 'content-length': body.length });
        if (fault === 'truncated' && body.length > 1) {
          // The rest never comes.
          outgoing.write(body.subarray(0, body.length >> 1), () => outgoing.socket?.destroy());
          return;
        }
        if (fault === 'flipped' && body.length > 0) body[body.length >> 1] = (body[body.length >> 1] as number) ^ 1;
        outgoing.end(body);
      });
    },
  );
  passed.on('error', () => outgoing.destroy());
  incoming.pipe(passed);
}
