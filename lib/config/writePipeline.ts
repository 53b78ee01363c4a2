// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is what pipeline files hold
import type { ResolvedPipeline, ResolvedStage } from '../../contract/config.ts';
import type { Json } from '../../contract/json.ts';

/**
 * A resolved pipeline as a file again: what `parsePipeline` makes the same pipeline of, with no environment. A run is planned anew
 * from it, as the file it once came from may have changed, or lie on a machine that is not there.
 */
export function writePipeline({ stages, holdForSeconds, tracking, ...pipeline }: ResolvedPipeline): string {
  const entries = stages.map((stage) => [stage.name, stageEntry(stage)] as const);
  // JSON is YAML.
  return JSON.stringify(
    escaped({
      ...pipeline,
      holdFor: `${holdForSeconds}s`,
      ...(tracking?.wandb && { tracking: { wandb: { ...tracking.wandb } } }),
      stages: Object.fromEntries(entries),
    }),
    null,
    2,
  );
}

function stageEntry({ uses, needs, queue, attempts, startToCloseSeconds, approval, with: params }: ResolvedStage) {
  return { uses, needs: [...needs], queue, attempts, timeout: `${startToCloseSeconds}s`, approval, with: params };
}

/** What the file's variables were replaced by may look like a variable itself. */
function escaped(value: Json): Json {
  if (typeof value === 'string') return value.replace(/\$\{(?!secret:)/g, '$$${');
  if (Array.isArray(value)) return value.map(escaped);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, escaped(member)]));
}
