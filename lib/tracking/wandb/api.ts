import { readFile } from 'node:fs/promises';
import type { JsonObject } from '../../../contract/json.ts';
import type { Account } from './account.ts';
import { type Delivery, deliver, NotTaken } from './deliver.ts';

/** Where a run is kept. */
export interface RunPlace {
  readonly entity: string;
  readonly project: string;
  readonly id: string;
}

/** What W&B has of a run. */
export interface ServerRun {
  /** Rows of its history. */
  readonly rows: number;
  readonly state: string;
  readonly summary: JsonObject;
}

/** The requests that we make of W&B ourselves: those that its SDK does not know. */
export interface WandbApi {
  /** The key's own user or team. */
  defaultEntity(): Promise<string>;
  /** Undefined where it has no such run. */
  findRun(place: RunPlace): Promise<ServerRun | undefined>;
  /** Uploads files of a run, names with forward slashes. */
  upload(place: RunPlace, files: readonly { readonly name: string; readonly file: string }[]): Promise<void>;
  graphql<T>(query: string, variables: JsonObject): Promise<T>;
  post(path: string, body: string): Promise<unknown>;
}

const viewerQuery = 'query Viewer { viewer { id entity } }';

const runQuery = `query RunStatus($project: String, $entity: String, $name: String!) {
  model(name: $project, entityName: $entity) {
    id
    bucket(name: $name, missingOk: true) { id historyLineCount summaryMetrics state }
  }
}`;

const filesMutation = `mutation CreateRunFiles($entity: String!, $project: String!, $run: String!, $files: [String!]!) {
  createRunFiles(input: { entityName: $entity, projectName: $project, runName: $run, files: $files }) {
    runID
    uploadHeaders
    files { name uploadUrl }
  }
}`;

interface RunAnswer {
  readonly model: {
    readonly bucket: {
      readonly historyLineCount: number | null;
      readonly summaryMetrics: string | null;
      readonly state: string | null;
    } | null;
  } | null;
}

interface FilesAnswer {
  readonly createRunFiles: {
    readonly uploadHeaders: readonly string[] | null;
    readonly files: readonly { readonly name: string; readonly uploadUrl: string }[];
  };
}

/** Every request is made until it is taken: {@link deliver}. */
export function wandbApi({ url, key }: Account, delivery: Delivery): WandbApi {
  const headers = {
    authorization: `Basic ${Buffer.from(`api:${key}`).toString('base64')}`,
    'content-type': 'application/json',
    'user-agent': 'furrow',
  };
  const post = <T>(path: string, body: string, read: (answer: unknown) => T) =>
    deliver(`${url}${path}`, { method: 'POST', headers, body }, read, delivery);
  const graphql = <T>(query: string, variables: JsonObject) =>
    post('/graphql', JSON.stringify({ query, variables }), (answer) => dataOf(answer) as T);
  return {
    graphql,
    post: (path, body) => post(path, body, objectOf),
    async defaultEntity() {
      const { viewer } = await graphql<{ viewer: { entity: string } | null }>(viewerQuery, {});
      return viewer?.entity ?? '';
    },
    async findRun({ entity, project, id }) {
      const { model } = await graphql<RunAnswer>(runQuery, { entity, project, name: id });
      const run = model?.bucket;
      if (!run) return undefined;
      const summary = JSON.parse(run.summaryMetrics || '{}') as JsonObject;
      return { rows: run.historyLineCount ?? 0, state: run.state ?? '', summary };
    },
    async upload({ entity, project, id }, files) {
      if (files.length === 0) return;
      const names = files.map(({ name }) => name);
      const { createRunFiles } = await graphql<FilesAnswer>(filesMutation, { entity, project, run: id, files: names });
      const given = Object.fromEntries((createRunFiles.uploadHeaders ?? []).map(headerOf));
      for (const { name, file } of files) {
        const place = createRunFiles.files.find((candidate) => candidate.name === name);
        if (!place) throw new TypeError(`Expected an address for ${name} from W&B`);
        // The address is signed: the key is not for the storage behind it.
        const body = await readFile(file);
        await deliver(new URL(place.uploadUrl, url).href, { method: 'PUT', headers: given, body }, () => {}, delivery);
      }
    },
  };
}

/** Of `Name:value`. */
function headerOf(header: string): [string, string] {
  const colon = header.indexOf(':');
  return [header.slice(0, colon).trim(), header.slice(colon + 1).trim()];
}

function objectOf(answer: unknown): JsonObject {
  if (typeof answer === 'object' && answer !== null && !Array.isArray(answer)) return answer as JsonObject;
  throw new NotTaken({ kind: 'stranger', message: 'what answers in place of W&B gives no JSON object' });
}

/** GraphQL says 200 to what it has not done. */
function dataOf(answer: unknown): unknown {
  const { data, errors } = objectOf(answer) as { data?: unknown; errors?: readonly { message?: string }[] };
  const [error] = errors ?? [];
  if (error)
    throw new NotTaken({ kind: 'refused', message: `W&B refuses the request: ${String(error.message).slice(0, 200)}` });
  if (typeof data !== 'object' || data === null)
    throw new NotTaken({ kind: 'stranger', message: 'what answers in place of W&B gives no data' });
  return data;
}
