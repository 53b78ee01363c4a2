import { parseSet } from '../../lib/config/overrides.ts';
import { exitCodes, type Output } from '../output.ts';
import { readPipeline, tellProblems } from '../pipelineFile.ts';

/** `furrow validate FILE`: every problem at once, with its place. */
export async function validate(
  file: string | undefined,
  options: { set?: readonly string[] },
  output: Output,
): Promise<number> {
  const { content, outcome } = await readPipeline(file, parseSet(options.set ?? []));
  if (!outcome.ok) return tellProblems(content, outcome.problems, output);
  const stages = outcome.pipeline.stages.map((stage) => stage.name);
  output.answer({ file: content.file, valid: true, stages }, () => [
    `${content.file}: ${stages.length === 1 ? '1 stage' : `${stages.length} stages`}, no problem`,
  ]);
  return exitCodes.ok;
}
