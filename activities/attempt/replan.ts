import type { ResolvedPipeline } from '../../contract/config.ts';
import { FurrowError } from '../../contract/errors.ts';
import type { Replanned, ReplanRequest } from '../../contract/messages.ts';
import { packageVersions } from '../../lib/code/fingerprints.ts';
import { writePipeline } from '../../lib/config/writePipeline.ts';
import { digestOfJson } from '../../lib/store/digest.ts';
import type { StageCode } from './catalog.ts';
import { codeOf, resolvePipeline } from './plan.ts';

/**
 * Plans a run anew that goes on: what it was planned from, with values of stages overridden, and the code that this worker has. The
 * graph stays as it is: what has finished stands in it.
 *
 * @throws FurrowError `CONFIG_INVALID` with every problem
 */
export async function replan(code: StageCode, { plan, set }: ReplanRequest): Promise<Replanned> {
  const file = { text: writePipeline(plan.pipeline), file: 'the run', env: {} };
  const before = resolvePipeline(code, { ...file, set: {} });
  const pipeline = resolvePipeline(code, { ...file, set });
  refuseOtherGraph(plan.pipeline, pipeline);
  const next = {
    ...plan,
    pipeline,
    configDigest: digestOfJson(pipeline),
    ...codeOf(code, pipeline),
    packages: packageVersions(),
  };
  return { plan: next, changed: changedStages(before, pipeline) };
}

function changedStages(before: ResolvedPipeline, after: ResolvedPipeline): string[] {
  const given = new Map(before.stages.map((stage) => [stage.name, digestOfJson(stage)]));
  return after.stages.filter((stage) => given.get(stage.name) !== digestOfJson(stage)).map(({ name }) => name);
}

function refuseOtherGraph(before: ResolvedPipeline, after: ResolvedPipeline): void {
  const graph = ({ stages, ...rest }: ResolvedPipeline) => ({
    ...rest,
    stages: stages.map(({ name, uses, needs }) => ({ name, uses, needs })),
  });
  if (digestOfJson(graph(before)) === digestOfJson(graph(after))) return;
  throw new FurrowError(
    'CONFIG_INVALID',
    'A run that goes on can change what its stages are given, not which stages there are, nor seed, store and name; start another run for that',
  );
}
