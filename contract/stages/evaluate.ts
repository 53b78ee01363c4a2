import { z } from 'zod';
import { result } from '../params.ts';
import { defineStage } from '../stage.ts';

export const evaluateParams = z.strictObject({
  metric: result(
    z
      .enum(['mae', 'rmse'])
      .default('mae')
      .describe(
        "What the winner has least of on the validation plots: mean absolute or root mean squared error, in the target's unit.",
      ),
  ),
  bootstrap: result(
    z
      .number()
      .int()
      .min(100)
      .max(100_000)
      .default(1000)
      .describe('Resamples of the plots behind each 95 % interval; more make its ends steadier, and take longer.'),
  ),
});

export type EvaluateParams = z.output<typeof evaluateParams>;

export const evaluate = defineStage({
  name: 'evaluate',
  kind: 'pure',
  summary:
    'Compares models with each other and with two baselines; the winner is chosen on validation plots and reported on test plots.',
  params: evaluateParams,
  inputs: { features: { kind: 'features', count: 'one' }, models: { kind: 'model', count: 'some' } },
  output: 'evaluation',
  usesSeed: true,
  usesTensorflow: true,
  work: 'compute',
});
