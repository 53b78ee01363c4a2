import type { TrainParams } from '../../../contract/stages/train.ts';

/** The parameter by which a network gets smaller when its batch cannot. */
export function whatNarrows(network: string): string {
  return network === 'vit' ? '`width`' : '`filters`';
}

/**
 * What a training that ran out of memory would need less with, in its own numbers: "`batchSize` from 16 to 8". Half is a guess that
 * needs no measurement; `furrow doctor` measures. Undefined for what is not trained in steps.
 */
export function whatToLower(params: TrainParams): string | undefined {
  if (params.model === 'ridge') return undefined;
  const { batchSize } = params;
  if (batchSize < 4) return whatNarrows(params.model);
  return `\`batchSize\` from ${batchSize} to ${Math.floor(batchSize / 2)}`;
}
