/** What the server answers to GraphQL: each request is held against the schema, and what it breaks is kept. */
import { graphql } from 'graphql';
import { schema } from './schema.ts';
import { entity, type State } from './state.ts';
import { StoredRun, type UpsertInput } from './storedRun.ts';
import { parseObject, Violation } from './violation.ts';

interface GraphqlRequest {
  readonly query?: unknown;
  readonly variables?: Record<string, unknown> | null;
  readonly operationName?: string | null;
}

/** @returns the body of the answer: errors, too, come with status 200 */
export async function answerGraphql(state: State, body: Buffer): Promise<string> {
  const { query, variables, operationName }: GraphqlRequest = parseObject(body.toString('utf8'), 'the body');
  if (typeof query !== 'string') throw new Violation('GraphQL without a query');
  const result = await graphql({
    ...{ schema, source: query, variableValues: variables, operationName },
    rootValue: resolvers(state),
  });
  for (const error of result.errors ?? []) state.violations.push(`GraphQL: ${error.message}`);
  return JSON.stringify(result);
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
    serverInfo: () => ({ features: [{ name: 'FILESTREAM_GZIP', isEnabled: state.takesGzip }], cliVersionInfo: '{}' }),
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
    historyLineCount: run.lines('wandb-history.jsonl').length,
    eventsLineCount: run.lines('wandb-events.jsonl').length,
    logLineCount: run.lines('output.log').length,
    historyTail: JSON.stringify(run.lines('wandb-history.jsonl').slice(-1)),
    eventsTail: JSON.stringify(run.lines('wandb-events.jsonl').slice(-1)),
    wandbConfig: '{}',
    project: { id: `project-${project}`, name: project, entity: { id: owner, name: owner } },
  };
}
