/** The trainings of a pipeline, with what is known of each before anything is fetched. */
import type { ResolvedPipeline, ResolvedStage } from '../../../contract/config.ts';
import { fetchData } from '../../../contract/stages/fetchData.ts';
import { type PreprocessParams, preprocess } from '../../../contract/stages/preprocess.ts';
import { type TrainParams, train, trainParams } from '../../../contract/stages/train.ts';
import type { InputShape } from '../networks/network.ts';
import { countPlots, type GroupedPlots } from './countPlots.ts';

export interface PlannedTraining {
  readonly stage: string;
  readonly params: TrainParams;
  readonly input: InputShape;
  /** Undefined where only fetching would tell. */
  readonly plots: GroupedPlots | undefined;
}

/**
 * Every stage that `uses: train`, in the pipeline's order; those whose features no `preprocess` stage makes are left out, as
 * nothing is known of their plots.
 *
 * @param baseFolder where a `file:` source's relative path starts
 */
export async function plannedTrainings(pipeline: ResolvedPipeline, baseFolder: string): Promise<PlannedTraining[]> {
  const stages = new Map(pipeline.stages.map((stage) => [stage.name, stage]));
  const made = (stage: ResolvedStage | undefined, input: string, by: string): ResolvedStage | undefined => {
    const source = stages.get(stage?.inputs[input]?.[0] ?? '');
    return source?.uses === by ? source : undefined;
  };
  const planned: PlannedTraining[] = [];
  for (const stage of pipeline.stages.filter(({ uses }) => uses === train.name)) {
    const features = made(stage, 'features', preprocess.name);
    if (!features) continue;
    const params = preprocess.params.parse(features.with) as PreprocessParams;
    const source = made(features, 'plots', fetchData.name)?.with.source;
    const plots =
      typeof source === 'string'
        ? await countPlots({ source, params, seed: pipeline.seed, baseFolder }).catch(() => undefined)
        : undefined;
    const [height, width] = params.size;
    planned.push({
      stage: stage.name,
      params: trainParams.parse(stage.with),
      input: { height, width, channels: params.bands.length + params.indices.length },
      plots,
    });
  }
  return planned;
}
