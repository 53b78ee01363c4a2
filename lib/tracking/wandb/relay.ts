import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JsonObject } from '../../../contract/json.ts';
import type { HistoryRow, TrackedRun } from '../trackedRun.ts';
import type { WandbApi } from './api.ts';

/**
 * Stands between the SDK and W&B, on the loopback interface. The SDK drops what is not taken at once, so each of its requests is
 * held until W&B has taken it; and what the SDK cannot say (group, tags, a row's own time, the summary) is put in on the way.
 */
export interface Relay {
  readonly url: string;
  /** Rows that W&B has, those of earlier processes among them. */
  readonly accepted: number;
  /** Settles with the next request that W&B has taken. */
  progressed(): Promise<void>;
  close(): Promise<void>;
}

export interface RelayOptions {
  readonly api: WandbApi;
  readonly run: TrackedRun;
  /** Rows that W&B has already: the SDK counts from 0. */
  readonly base: number;
  /** What the run's summary says by now. */
  summary(): JsonObject;
  onAccepted(rows: number): void;
}

/** Milliseconds without a request after which W&B is told that the run lives: after five minutes it would count as crashed. */
const heartbeatEvery = 30_000;

/** A row as the SDK is given it: it stamps times of its own over those of the row. */
export function stampedRow({ _timestamp, _runtime, ...rest }: HistoryRow): Record<string, unknown> {
  return { ...rest, [stamps]: [_timestamp, _runtime] };
}

const stamps = '_furrow';

export async function startRelay(options: RelayOptions): Promise<Relay> {
  const { api, base } = options;
  let accepted = base;
  let wake = () => {};
  let next = Promise.resolve();
  const renew = () => {
    wake();
    next = new Promise((resolve) => {
      wake = resolve;
    });
  };
  renew();
  let streamPath: string | undefined;
  let beating = false;
  const heartbeat = setInterval(async () => {
    if (!streamPath || beating) return;
    beating = true;
    await api.post(streamPath, '{}').catch(() => {});
    beating = false;
  }, heartbeatEvery);

  const forward = async (path: string, body: string): Promise<unknown> => {
    if (path === '/graphql') {
      const { query, variables } = JSON.parse(body) as { query: string; variables: JsonObject };
      const data = await api.graphql(query, /\bupsertBucket\b/.test(query) ? enriched(variables, options) : variables);
      return { data };
    }
    const sent = JSON.parse(body) as FileStream;
    const history = sent.files?.[historyFile];
    const rows = history?.content.map(restored) ?? [];
    const files = {
      ...(history && {
        [historyFile]: { offset: base + history.offset, content: rows.map((row) => JSON.stringify(row)) },
      }),
      [summaryFile]: { offset: 0, content: [JSON.stringify(options.summary())] },
    };
    const answer = await api.post(path, JSON.stringify({ ...sent, files }));
    streamPath = sent.complete ? undefined : path;
    heartbeat.refresh();
    if (history) {
      accepted = Math.max(accepted, base + history.offset + rows.length);
      options.onAccepted(accepted);
    }
    return answer;
  };
  const server = createServer((request, response) => {
    void textOf(request)
      .then((body) => forward(request.url ?? '', body))
      .then(
        (answer) => {
          json(response, answer);
          renew();
        },
        // Only when the whole delivery was given up: the SDK is ended with it.
        () => response.destroy(),
      );
  });
  // A request may be held for as long as W&B is away.
  server.requestTimeout = 0;
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', () => resolve()));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get accepted() {
      return accepted;
    },
    progressed: () => next,
    async close() {
      clearInterval(heartbeat);
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const historyFile = 'wandb-history.jsonl';
const summaryFile = 'wandb-summary.json';

interface FileStream {
  readonly files?: { readonly [historyFile]?: { readonly offset: number; readonly content: readonly string[] } };
  readonly complete?: boolean;
}

/** The SDK's mutation has variables for all of it, and no option. */
function enriched(variables: JsonObject, { run, summary }: RelayOptions): JsonObject {
  return {
    ...variables,
    groupName: run.group,
    jobType: run.jobType,
    notes: run.notes,
    tags: [...run.tags],
    summaryMetrics: JSON.stringify(summary()),
    ...(run.commit && { commit: run.commit }),
  };
}

function restored(line: string): JsonObject {
  const { [stamps]: own, ...row } = JSON.parse(line) as JsonObject;
  const [timestamp, runtime] = own as [number, number];
  return { ...row, _timestamp: timestamp, _runtime: runtime };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function json(response: ServerResponse, answer: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(answer ?? {}));
}
