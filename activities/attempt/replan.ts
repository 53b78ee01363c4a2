import type { ResolvedPipeline } from '../../contract/config.ts';
import { FurrowError } from '../../contract/errors.ts';
import type { Plan, ReplanRequest } from '../../contract/messages.ts';
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
export async function replan(code: StageCode, { plan, set }: ReplanRequest): Promise<Plan> {
  const pipeline = resolvePipeline(code, { text: writePipeline(plan.pipeline), file: 'the run', set, env: {} });
  refuseOtherGraph(plan.pipeline, pipeline);
  return {
    ...plan,
    pipeline,
    configDigest: digestOfJson(pipeline),
    ...codeOf(code, pipeline),
    packages: packageVersions(),
  };
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
