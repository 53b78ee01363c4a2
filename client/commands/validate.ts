import { parseSet } from '../../lib/config/overrides.ts';
import { formatProblem } from '../../lib/config/problem.ts';
import { exitCodes, type Output } from '../output.ts';
import { readPipeline } from '../pipelineFile.ts';

/** `furrow validate FILE`: every problem at once, with its place. */
export async function validate(file: string | undefined, options: { set: string[] }, output: Output): Promise<number> {
  const { content, outcome } = await readPipeline(file, parseSet(options.set));
  if (outcome.ok) {
    output.answer(
      { file: content.file, valid: true, stages: outcome.pipeline.stages.map((stage) => stage.name) },
      () => [`${content.file}: ${outcome.pipeline.stages.length} stages, no problem`],
    );
    return exitCodes.ok;
  }
  output.answer({ file: content.file, valid: false, problems: outcome.problems }, () =>
    outcome.problems.map(formatProblem),
  );
  return exitCodes.usage;
}
