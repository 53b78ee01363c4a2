import type { z } from 'zod';
import {
  mostStages,
  type PipelineFile,
  pipelineSchema,
  type ResolvedPipeline,
  type ResolvedStage,
} from '../../contract/config.ts';
import { durationSeconds } from '../../contract/duration.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import { mainQueue } from '../../contract/queues.ts';
import type { StageContract } from '../../contract/stage.ts';
import { suggest } from '../../contract/suggest.ts';
import type { WandbSettings, wandbSchema } from '../../contract/tracking.ts';
import { work } from '../../contract/work.ts';
import { type Draft, readDrafts } from './drafts.ts';
import { explain } from './explain.ts';
import { checkGraph, topological } from './graph.ts';
import { type Inputs, wireInputs } from './inputs.ts';
import { type Environment, interpolate } from './interpolate.ts';
import { applySet } from './overrides.ts';
import { type Flaw, inOrder, oneOf, type Problem, problemAt } from './problem.ts';
import { readYaml } from './readYaml.ts';
import { type ConfigNode, placeOf, toJson } from './tree.ts';

export { parseSet } from './overrides.ts';
export { formatProblem, type Problem } from './problem.ts';

export interface PipelineRequest {
  readonly text: string;
  /** As problems name it. Nothing is read from it. */
  readonly file: string;
  /** Values over those in the file, by path: see `parseSet`. */
  readonly set?: Readonly<Record<string, Json>>;
  /** For `${NAME}`; nothing by default. */
  readonly env?: Environment;
  /** The stages that `uses:` may name. */
  readonly contracts: ReadonlyMap<string, StageContract>;
}

export type ParsedPipeline =
  | { readonly ok: true; readonly pipeline: ResolvedPipeline }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Checks a pipeline file as a whole. Tells every problem at once, in the order of the file; throws for none. */
export function parsePipeline(request: PipelineRequest): ParsedPipeline {
  const read = readYaml(request.text, request.file);
  if (!read.root) return { ok: false, problems: inOrder(read.problems) };
  const overridden = applySet(read.root, request.set ?? {});
  const { root, problems: ofText } = interpolate(overridden.root, request.env ?? {});
  const drafts = readDrafts(root, request.contracts);
  const problems = [...read.problems, ...overridden.problems, ...ofText];
  if (drafts.length > mostStages) {
    const flaw = { message: `The pipeline has ${drafts.length} stages`, expected: `at most ${mostStages}` };
    return {
      ok: false,
      problems: inOrder([...problems, problemAt(placeOf(root, ['stages'], 'key'), ['stages'], flaw)]),
    };
  }
  const byName = new Map(drafts.map((draft) => [draft.name, draft]));
  const wired = new Map(drafts.map((draft) => [draft.name, wireInputs(draft, byName)]));
  const flaws = [
    ...explain(pipelineSchema, toJson(root)),
    ...drafts.flatMap((draft) => checkUses(draft, request.contracts)),
    ...drafts.flatMap(checkParameters),
    ...checkGraph(drafts),
    ...[...wired.values()].flatMap((outcome) => outcome.flaws),
  ];
  problems.push(...locate(flaws, root, problems));
  if (problems.length > 0) return { ok: false, problems: inOrder(problems) };
  return {
    ok: true,
    pipeline: resolve(pipelineSchema.parse(toJson(root)), drafts, (name) => wired.get(name)?.inputs ?? {}),
  };
}

function checkUses(draft: Draft, contracts: ReadonlyMap<string, StageContract>): Flaw[] {
  if (draft.uses === undefined || draft.contract) return [];
  const known = [...contracts.keys()];
  const message = `Unknown stage \`${draft.uses}\``;
  return [
    {
      path: ['stages', draft.name, 'uses'],
      at: 'value',
      message,
      expected: oneOf(known),
      nearest: suggest(draft.uses, known),
    },
  ];
}

function checkParameters(draft: Draft): Flaw[] {
  // `with` of a wrong type is told by the pipeline's own schema.
  if (!draft.contract || (draft.hasWith && !draft.with)) return [];
  return explain(draft.contract.params, draft.with ? toJson(draft.with) : {}, ['stages', draft.name, 'with']);
}

/** Finds the places; drops what follows from a text that could not be interpolated. */
function locate(flaws: readonly Flaw[], root: ConfigNode, known: readonly Problem[]): Problem[] {
  const told = new Set(known.map((problem) => problem.path));
  return flaws
    .filter((flaw) => flaw.path.length === 0 || !told.has(flaw.path.join('.')))
    .map((flaw) => problemAt(placeOf(root, flaw.path, flaw.at), flaw.path, flaw));
}

function resolve(file: PipelineFile, drafts: readonly Draft[], inputsOf: (stage: string) => Inputs): ResolvedPipeline {
  return {
    name: file.name,
    ...(file.description === undefined ? {} : { description: file.description }),
    seed: file.seed,
    store: file.store,
    strictRuntime: file.strictRuntime,
    onFailure: file.onFailure,
    holdForSeconds: durationSeconds(file.holdFor),
    stages: topological(drafts).map((draft) => resolveStage(file, draft, inputsOf(draft.name))),
    ...(file.tracking?.wandb && { tracking: { wandb: wandbSettings(file, file.tracking.wandb) } }),
  };
}

function wandbSettings({ name }: PipelineFile, said: z.output<typeof wandbSchema>): WandbSettings {
  const { project = name, entity, mode, tags, notes } = said;
  return { project, mode, tags, ...(entity !== undefined && { entity }), ...(notes !== undefined && { notes }) };
}

function resolveStage(file: PipelineFile, draft: Draft, inputs: Inputs): ResolvedStage {
  const { name, contract } = draft;
  const entry = file.stages[name];
  if (!entry || !contract) throw new TypeError(`Expected the stage ${name} to have been checked`);
  const limits = work[contract.work];
  return {
    name,
    uses: contract.name,
    kind: contract.kind,
    needs: entry.needs,
    inputs,
    with: JSON.parse(JSON.stringify(contract.params.parse(entry.with))) as JsonObject,
    queue: entry.queue ?? mainQueue,
    work: contract.work,
    attempts: entry.attempts ?? limits.attempts,
    startToCloseSeconds: entry.timeout === undefined ? limits.startToClose : durationSeconds(entry.timeout),
    approval: entry.approval,
    usesTensorflow: contract.usesTensorflow,
    output: contract.output,
  };
}
