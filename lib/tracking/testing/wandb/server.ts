/**
 * A local server that speaks the protocol by which W&B's clients write runs: GraphQL, `file_stream`, uploads by PUT. It is strict:
 * every rule that a request breaks is refused and kept in `violations`, and it injects what networks do.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { graphql } from 'graphql';
import { type FaultKind, type FaultPlan, noFaults, type RequestKind } from './faults.ts';
import { schema } from './schema.ts';
import { type FileStreamBody, StoredRun, type UpsertInput, Violation } from './storedRun.ts';

export const wandbKey = 'local0123456789012345678901234567890wandb';

export interface WandbServer {
  readonly url: string;
  readonly entity: string;
  faults: FaultPlan;
  readonly runs: readonly StoredRun[];
  /** Rules of the protocol that requests broke. */
  readonly violations: readonly string[];
  /** Every request that came, faulty ones too. */
  readonly requests: readonly { readonly kind: RequestKind; readonly at: number; readonly fault?: FaultKind }[];
  run(name: string): StoredRun;
  /** Nothing listens any more; what it has stays. */
  goAway(): Promise<void>;
  /** At the same address as before. */
  comeBack(): Promise<void>;
  close(): Promise<void>;
}

export async function startWandbServer(
  options: { readonly away?: boolean; readonly port?: number; readonly key?: string } = {},
): Promise<WandbServer> {
  const { key = wandbKey } = options;
  const state = new State(key);
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

const entity = 'field-lab';

class State {
  url = '';
  faults: FaultPlan = noFaults;
  readonly counts = new Map<RequestKind, number>();
  readonly runs = new Map<string, StoredRun>();
  readonly violations: string[] = [];
  readonly requests: { kind: RequestKind; at: number; fault?: FaultKind }[] = [];
  readonly sockets = new Set<Socket>();
  readonly authorization: string;

  constructor(key: string) {
    this.authorization = `Basic ${Buffer.from(`api:${key}`).toString('base64')}`;
  }
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
  state.requests.push({ kind, at: Date.now(), ...(fault && { fault }) });
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
    if (kind === 'stream' || kind === 'complete') return stream(state, request.url ?? '', body);
    return await answerGraphql(state, body);
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    state.violations.push(error.message);
    return { status: 400, body: JSON.stringify({ error: error.message }) };
  }
}

function stream(state: State, url: string, body: Buffer): Answer {
  const match = /^\/files\/([^/]+)\/([^/]+)\/([^/]+)\/file_stream$/.exec(url);
  const run = match && state.runs.get(match.slice(1).map(decodeURIComponent).join('/'));
  if (!run) return { status: 404, body: JSON.stringify({ error: `no run ${url}` }) };
  run.stream(parse(body) as FileStreamBody);
  return { status: 200, body: JSON.stringify({ exitcode: null, limits: {} }) };
}

/** The address of an upload is its key: W&B's storage wants no other, and its key must not be shown to it. */
function put(state: State, request: IncomingMessage, body: Buffer): Answer {
  if (request.headers.authorization) throw new Violation('the API key was sent to the storage');
  if (request.headers['x-upload'] !== 'signed') throw new Violation('the upload has none of the headers it was given');
  const [, place = '', name = ''] = /^\/storage\/([^?]+)\?file=(.+)$/.exec(request.url ?? '') ?? [];
  const run = state.runs.get(place);
  if (!run) throw new Violation(`an upload to no run: ${request.url}`);
  run.files.set(decodeURIComponent(name), body);
  return { status: 200, body: '' };
}

async function answerGraphql(state: State, body: Buffer): Promise<Answer> {
  const { query, variables } = parse(body) as { query: string; variables?: Record<string, unknown> };
  if (typeof query !== 'string') throw new Violation('GraphQL without a query');
  const result = await graphql({ schema, source: query, variableValues: variables ?? {}, rootValue: resolvers(state) });
  for (const error of result.errors ?? []) state.violations.push(`GraphQL: ${error.message}`);
  return { status: 200, body: JSON.stringify(result) };
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw new Violation('the body is no JSON');
  }
}

interface FilesInput {
  readonly entityName: string;
  readonly projectName: string;
  readonly runName: string;
  readonly files: readonly string[];
}

function resolvers(state: State) {
  const keyOf = (owner: string, project: string, name: string) => `${owner}/${project}/${name}`;
  const projectOf = ({ name, entityName }: { name?: string; entityName?: string }) => {
    const owner = entityName || entity;
    const known = [...state.runs.values()].some((run) => run.entity === owner && run.project === name);
    if (!name || !known) return null;
    const find = (asked: { name: string }) => {
      const run = state.runs.get(keyOf(owner, name, asked.name));
      return run ? shown(run) : null;
    };
    return { id: `project-${name}`, name, entity: { id: owner, name: owner }, bucket: find, run: find };
  };
  return {
    viewer: () => ({ id: 'user', entity, username: 'researcher', flags: '{}', teams: { edges: [] } }),
    serverInfo: () => ({ features: [], cliVersionInfo: '{}' }),
    model: projectOf,
    project: projectOf,
    upsertBucket({ input }: { input: UpsertInput & { name?: string; modelName?: string; entityName?: string } }) {
      const { name, modelName, entityName } = input;
      if (!name || !/^[A-Za-z0-9_-]{1,128}$/.test(name)) throw new Violation(`a run named ${String(name)}`);
      if (!modelName) throw new Violation('a run without a project');
      const key = keyOf(entityName || entity, modelName, name);
      const known = state.runs.get(key);
      const run = known ?? new StoredRun(entityName || entity, modelName, name);
      run.upsert(input);
      state.runs.set(key, run);
      return { bucket: shown(run), inserted: known === undefined };
    },
    createRunFiles({ input: { entityName, projectName, runName, files } }: { input: FilesInput }) {
      const key = keyOf(entityName, projectName, runName);
      if (!state.runs.has(key)) throw new Violation(`files for no run: ${key}`);
      const uploads = files.map((name) => ({
        name,
        uploadUrl: `${state.url}/storage/${key}?file=${encodeURIComponent(name)}`,
      }));
      return { runID: key, uploadHeaders: ['X-Upload:signed'], files: uploads };
    },
    markRunFilesUploaded: () => ({ success: true }),
  };
}

function shown(run: StoredRun) {
  const { upserted, name, entity: owner, project } = run;
  return {
    id: `run-${name}`,
    name,
    displayName: upserted.displayName ?? name,
    description: '',
    notes: upserted.notes,
    group: upserted.groupName,
    jobType: upserted.jobType,
    commit: upserted.commit,
    tags: upserted.tags ?? [],
    config: upserted.config ?? '{}',
    summaryMetrics: JSON.stringify(run.summary),
    state: run.state,
    historyLineCount: run.lineCount('wandb-history.jsonl'),
    eventsLineCount: run.lineCount('wandb-events.jsonl'),
    logLineCount: run.lineCount('output.log'),
    historyTail: JSON.stringify(run.historyLines.slice(-1)),
    eventsTail: '[]',
    wandbConfig: '{}',
    project: { id: `project-${project}`, name: project, entity: { id: owner, name: owner } },
  };
}
