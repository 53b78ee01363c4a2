/** A registry on this machine that holds its clients to the distribution spec, and fails when it is told to. */
import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface StrictRegistry {
  readonly host: string;
  readonly blobs: ReadonlyMap<string, Buffer>;
  /** Manifests by `repository:tag` and `repository@digest`. */
  readonly manifests: Map<string, { readonly type: string; readonly bytes: Buffer }>;
  /** `PUT /v2/…` in the order of arrival. */
  readonly requests: string[];
  /** The next requests that `match` are answered with these statuses; 0 hangs up. */
  fail(match: RegExp, ...statuses: number[]): void;
  close(): Promise<void>;
}

export interface StrictOptions {
  /** `user:password` that must be shown, at once (basic) or to the token server (bearer). */
  readonly login?: { readonly scheme: 'basic' | 'bearer'; readonly credentials: string };
}

interface Failure {
  readonly match: RegExp;
  readonly statuses: number[];
}

export async function strictRegistry({ login }: StrictOptions = {}): Promise<StrictRegistry> {
  const blobs = new Map<string, Buffer>();
  const manifests: StrictRegistry['manifests'] = new Map();
  const sessions = new Set<string>();
  const requests: string[] = [];
  const failures: Failure[] = [];
  const token = randomUUID();

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', `http://${request.headers.host}`);
    const line = `${request.method} ${url.pathname}`;
    requests.push(line);
    const failure = failures.find(({ match, statuses }) => match.test(line) && statuses.length > 0)?.statuses.shift();
    if (failure === 0) return void request.destroy();
    read(request).then((body) => {
      if (failure) return refuse(response, failure, 'TOLD_TO');
      if (url.pathname === '/token') return giveToken(request, response);
      if (login && !isLetIn(request)) return challenge(request, response);
      answer(request, response, url, body);
    });
  });

  const isLetIn = ({ headers }: IncomingMessage) =>
    login?.scheme === 'basic' ? headers.authorization === basic() : headers.authorization === `Bearer ${token}`;
  const basic = () => `Basic ${Buffer.from(login?.credentials ?? '').toString('base64')}`;

  const challenge = ({ headers }: IncomingMessage, response: ServerResponse) => {
    const how =
      login?.scheme === 'basic' ? 'Basic realm="here"' : `Bearer realm="http://${headers.host}/token",service="here"`;
    response.setHeader('WWW-Authenticate', how);
    refuse(response, 401, 'UNAUTHORIZED');
  };

  const giveToken = ({ headers }: IncomingMessage, response: ServerResponse) => {
    if (headers.authorization !== basic()) return refuse(response, 401, 'UNAUTHORIZED');
    response.end(JSON.stringify({ token }));
  };

  const answer = (request: IncomingMessage, response: ServerResponse, url: URL, body: Buffer) => {
    const [, repository = '', kind, name = ''] = /^\/v2\/(.+)\/(manifests|blobs)\/(.*)$/.exec(url.pathname) ?? [];
    const route = `${request.method} ${kind}`;
    if (kind === 'blobs' && name === 'uploads/' && request.method === 'POST') {
      const session = randomUUID();
      sessions.add(session);
      // Relative, and with a query of its own: both are allowed.
      return response.writeHead(202, { Location: `/v2/${repository}/blobs/uploads/${session}?state=abc` }).end();
    }
    if (route === 'PUT blobs') return putBlob(request, response, url, name.replace('uploads/', ''), body);
    if (route === 'HEAD blobs' || route === 'GET blobs')
      return send(response, blobs.get(name), 'application/octet-stream', name);
    if (route === 'PUT manifests') return putManifest(request, response, repository, name, body);
    const found = manifests.get(name.startsWith('sha256:') ? `${repository}@${name}` : `${repository}:${name}`);
    return send(response, found?.bytes, found?.type ?? '', found && digestOf(found.bytes));
  };

  const putBlob = (request: IncomingMessage, response: ServerResponse, url: URL, session: string, body: Buffer) => {
    const digest = url.searchParams.get('digest') ?? '';
    if (url.searchParams.get('state') !== 'abc' || !sessions.delete(session))
      return refuse(response, 404, 'BLOB_UPLOAD_UNKNOWN');
    if (Number(request.headers['content-length']) !== body.length) return refuse(response, 400, 'SIZE_INVALID');
    if (digest !== digestOf(body)) return refuse(response, 400, 'DIGEST_INVALID');
    blobs.set(digest, body);
    return response.writeHead(201, { Location: url.pathname, 'Docker-Content-Digest': digest }).end();
  };

  const putManifest = (
    request: IncomingMessage,
    response: ServerResponse,
    repository: string,
    name: string,
    body: Buffer,
  ) => {
    const manifest = JSON.parse(body.toString());
    const type = request.headers['content-type'] ?? '';
    if (manifest.mediaType !== type) return refuse(response, 400, 'MANIFEST_INVALID');
    const needed = [manifest.config, ...(manifest.layers ?? [])];
    if (needed.some((each) => blobs.get(each.digest)?.length !== each.size))
      return refuse(response, 400, 'MANIFEST_BLOB_UNKNOWN');
    manifests.set(`${repository}:${name}`, { type, bytes: body });
    manifests.set(`${repository}@${digestOf(body)}`, { type, bytes: body });
    return response.writeHead(201, { 'Docker-Content-Digest': digestOf(body) }).end();
  };

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    blobs,
    manifests,
    requests,
    fail: (match, ...statuses) => failures.push({ match, statuses }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function read(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function send(response: ServerResponse, body: Buffer | undefined, type: string, digest: string | undefined) {
  if (!body || !digest) return refuse(response, 404, 'NOT_FOUND');
  response.writeHead(200, { 'Content-Type': type, 'Content-Length': body.length, 'Docker-Content-Digest': digest });
  return response.end(response.req.method === 'HEAD' ? undefined : body);
}

function refuse(response: ServerResponse, status: number, code: string) {
  response.writeHead(status, { 'Content-Type': 'application/json' });
  return response.end(JSON.stringify({ errors: [{ code, message: `told by the registry` }] }));
}

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
