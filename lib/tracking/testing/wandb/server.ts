/**
 * A local server that speaks the protocol by which W&B's clients write runs: GraphQL, `file_stream`, uploads by PUT. It is strict:
 * every rule that a request breaks is refused and kept in `violations`, and it injects what networks do.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { gunzipSync } from 'node:zlib';
import type { FaultKind, FaultPlan, RequestKind } from './faults.ts';
import { answerGraphql } from './graphql.ts';
import { entity, type SeenRequest, State } from './state.ts';
import type { FileStreamBody, StoredRun } from './storedRun.ts';
import { parseObject, Violation } from './violation.ts';

export const wandbKey = 'local0123456789012345678901234567890wandb';

export interface WandbServer {
  readonly url: string;
  readonly entity: string;
  faults: FaultPlan;
  readonly runs: readonly StoredRun[];
  /** Rules of the protocol that requests broke. */
  readonly violations: readonly string[];
  /** Every request that came, faulty ones too. */
  readonly requests: readonly SeenRequest[];
  run(name: string): StoredRun;
  /** Nothing listens any more; what it has stays. */
  goAway(): Promise<void>;
  /** At the same address as before. */
  comeBack(): Promise<void>;
  close(): Promise<void>;
}

export async function startWandbServer(
  options: { readonly away?: boolean; readonly port?: number; readonly key?: string; readonly gzip?: boolean } = {},
): Promise<WandbServer> {
  const { key = wandbKey, gzip = false } = options;
  const state = new State(key, gzip);
  let server = listenable(state);
  const port = await listen(server, options.port ?? 0);
  if (options.away) await shut(server, state.sockets);
  const url = `http://127.0.0.1:${port}`;
  state.url = url;
  return {
    url,
    entity,
    get faults() {
      return state.faults;
    },
    set faults(plan) {
      state.faults = plan;
      state.counts.clear();
    },
    get runs() {
      return [...state.runs.values()];
    },
    violations: state.violations,
    requests: state.requests,
    run(name) {
      const found = [...state.runs.values()].find((run) => run.name === name);
      if (!found) throw new Error(`Expected a run ${name}, there are: ${[...state.runs.keys()].join(', ')}`);
      return found;
    },
    goAway: () => shut(server, state.sockets),
    async comeBack() {
      server = listenable(state);
      await listen(server, port);
    },
    close: () => shut(server, state.sockets),
  };
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

function listenable(state: State): Server {
  const server = createServer((request, response) => {
    void serve(state, request, response).catch((error: unknown) => {
      state.violations.push(`the server failed: ${String(error)}`);
      response.destroy();
    });
  });
  server.on('connection', (socket) => {
    state.sockets.add(socket);
    socket.once('close', () => state.sockets.delete(socket));
  });
  return server;
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

function shut(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    for (const socket of sockets) socket.destroy();
  });
}

async function serve(state: State, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await bodyOf(request);
  const kind = kindOf(request, body);
  const nth = (state.counts.get(kind) ?? 0) + 1;
  state.counts.set(kind, nth);
  const fault = state.faults({ kind, nth });
  const gzip = request.headers['content-encoding'] === 'gzip';
  state.requests.push({ kind, at: Date.now(), ...(fault && { fault }), ...(gzip && { gzip }) });
  const early = fault && instead(fault);
  if (early) return send(response, early);
  if (fault === 'reset') return void request.socket.resetAndDestroy();
  if (fault === 'hang') return;
  const answer = await answerTo(state, kind, request, body);
  if (fault === 'dropped after taken') return void request.socket.resetAndDestroy();
  if (fault === 'truncated') {
    response.writeHead(answer.status, {
      'content-type': 'application/json',
      'content-length': answer.body.length + 100,
    });
    response.write(answer.body.slice(0, Math.ceil(answer.body.length / 2)));
    return void setTimeout(() => request.socket.destroy(), 20);
  }
  send(response, answer);
}

/** Answers that come from before the server's own logic. */
function instead(fault: FaultKind): Answer | undefined {
  if (fault === 'error 500') return { status: 500, body: '{"error":"internal"}' };
  if (fault === 'too many') return { status: 429, body: '{"error":"slow down"}', headers: { 'retry-after': '1' } };
  if (fault === 'unauthorized') return { status: 401, body: '{"error":"invalid key"}' };
  if (fault === 'refused by name') return { status: 404, body: '{"error":"not found"}' };
  if (fault !== 'captive portal') return undefined;
  return { status: 200, type: 'text/html', body: '<html><body>Welcome to the hotel. Please log in.</body></html>' };
}

function send(response: ServerResponse, { status, body, type = 'application/json', headers = {} }: Answer): void {
  response.writeHead(status, { 'content-type': type, ...headers });
  response.end(body);
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const whole = Buffer.concat(chunks);
  return request.headers['content-encoding'] === 'gzip' ? gunzipSync(whole) : whole;
}

function kindOf({ url = '', method }: IncomingMessage, body: Buffer): RequestKind {
  if (method === 'PUT') return 'put';
  if (url.includes('/file_stream')) return body.includes('"complete":true') ? 'complete' : 'stream';
  const text = body.toString('utf8');
  if (/upsertBucket/.test(text)) return 'upsert';
  if (/createRunFiles/.test(text)) return 'createFiles';
  return /\bviewer\b/.test(text) ? 'viewer' : 'query';
}

async function answerTo(state: State, kind: RequestKind, request: IncomingMessage, body: Buffer): Promise<Answer> {
  try {
    if (kind === 'put') return put(state, request, body);
    if (request.headers.authorization !== state.authorization) return { status: 401, body: '{"error":"invalid key"}' };
    if (!/^application\/json\b/.test(request.headers['content-type'] ?? ''))
      throw new Violation(`${kind}: the body does not say that it is JSON`);
    if (kind === 'stream' || kind === 'complete') return stream(state, request, body);
    return { status: 200, body: await answerGraphql(state, body) };
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    state.violations.push(error.message);
    return { status: 400, body: JSON.stringify({ error: error.message }) };
  }
}

function stream(state: State, { url = '', headers }: IncomingMessage, body: Buffer): Answer {
  const match = /^\/files\/([^/]+)\/([^/]+)\/([^/]+)\/file_stream$/.exec(url);
  const run = match && state.runs.get(match.slice(1).map(decodeURIComponent).join('/'));
  if (!run) return { status: 404, body: JSON.stringify({ error: `no run ${url}` }) };
  const client = headers['user-agent'] === 'wandb-core' ? 'wandb-core' : 'other';
  if (headers['content-encoding'] === 'gzip' && !state.takesGzip) throw new Violation('gzip was not offered');
  run.stream(parseObject(body.toString('utf8'), 'the body') as FileStreamBody, client);
  return { status: 200, body: JSON.stringify({ exitcode: null, limits: {} }) };
}

/** The address of an upload is its key: W&B's storage wants no other, and its key must not be shown to it. */
function put(state: State, request: IncomingMessage, body: Buffer): Answer {
  if (request.headers.authorization) throw new Violation('the API key was sent to the storage');
  if (request.headers['x-upload'] !== 'signed') throw new Violation('the upload has none of the headers it was given');
  if (!request.headers['content-length']) throw new Violation('the storage wants to know the length of an upload');
  const [, place = '', name = ''] = /^\/storage\/([^?]+)\?file=(.+)$/.exec(request.url ?? '') ?? [];
  const run = state.runs.get(place);
  if (!run) throw new Violation(`an upload to no run: ${request.url}`);
  run.files.set(decodeURIComponent(name), body);
  return { status: 200, body: '' };
}
