import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type SteppedTrainParams, trainParams } from '../../../contract/stages/train.ts';
import { uniforms } from '../random.ts';
import { buildProgram } from '../testing/buildProgram.ts';
import { temporaryFolder } from '../testing/temporaryFolder.ts';
import { writeToyFeatures } from '../testing/toyFeatures.ts';
import { trainingAttempts } from '../testing/trainingAttempts.ts';

const folder = temporaryFolder();
const features = join(folder, 'features');
let entry: string;

/** At small sizes, with everything random in use. */
const networks = {
  convnet2d: { model: 'convnet2d', filters: [4, 4] },
  'pooled-cnn': { model: 'pooled-cnn', filters: [6, 6], shrink: [2], dropout: 0.2 },
  vit: { model: 'vit', patch: [8, 13], width: 16, heads: 2, mlp: 24 },
};
const optimizers = {
  sgd: { sgd: { lr: 0.01 } },
  momentum: { sgd: { lr: 0.01, momentum: 0.9 } },
  adam: { adam: { lr: 0.003 } },
  adamw: { adamw: { lr: 0.003, weightDecay: 0.05 } },
};
const everything = {
  epochs: 4,
  batchSize: 8,
  checkpointEvery: 1,
  averaging: 0.9,
  clipNorm: 1,
  warmup: 1,
  augment: { flips: true, brightness: 0.1, mixup: 0.2 },
};
/** Without folds, which have half the plots each. */
const stepsPerEpoch = 4;
const patience = 8;
/** When a training is killed, as shares of its steps. */
const kills = [
  { from: 0, to: 0.5 },
  { from: 0.65, to: 0.8 },
];

/** What is decided where an epoch ends. The last kill comes when it is decided and stored, and so known from a checkpoint alone. */
const decisions: Readonly<Record<string, { readonly name: string; readonly epochs: number }>> = {
  'pooled-cnn with adamw': { name: 'in folds', epochs: 12, ...{ folds: 2, testFlips: true } },
  'convnet2d with adam': { name: 'in snapshots', epochs: 12, ...{ snapshots: 2 } },
  // At this rate validation soon gets no better.
  'pooled-cnn with sgd': {
    ...{ name: 'ends early', epochs: 40, earlyStopping: { patience } },
    ...{ optimizer: { sgd: { lr: 1 } }, schedule: 'constant' },
  },
};

/** Twelve pairs of a network and an optimizer: 24 kills. */
const pairs = Object.entries(networks).flatMap(([network, of]) =>
  Object.entries(optimizers).map(([name, optimizer]) => {
    const pair = `${network} with ${name}`;
    const decided = decisions[pair];
    return { ...of, optimizer, ...decided, name: decided ? `${pair} ${decided.name}` : pair };
  }),
);

beforeAll(async () => {
  entry = await buildProgram('lib/models/child/trainMain.ts');
  await writeToyFeatures(features, { height: 40, width: 26, plots: { train: 28, validation: 4, test: 0 } });
}, 120_000);

describe('a training killed at random moments ends with the byte-identical model', () => {
  it.each(pairs.map((pair, number) => ({ ...pair, number })))(
    '$name',
    async ({ name, number, ...changes }) => {
      const decided = changes.epochs !== undefined;
      const params = trainParams.parse({ ...everything, ...changes }) as SteppedTrainParams;
      const training = trainingAttempts({ entry, folder: join(folder, String(number)), features, params });
      expect((await training.attempt({ name: 'undisturbed' })).error).toBeUndefined();
      const rows = await training.stepRows('undisturbed');
      const steps = rows.length;
      expect(rows).toEqual(Array.from({ length: steps }, (_, index) => index + 1));
      if (params.earlyStopping) expect(steps).toBeLessThan(params.epochs * stepsPerEpoch);
      else expect(steps).toBe(params.epochs * stepsPerEpoch);

      let newest: { step: number; file: string } | undefined;
      const draws = uniforms({ seed: number, use: 'augmentation' }, kills.length);
      for (const [kill, { from, to }] of kills.entries()) {
        const victim = 1 + Math.floor(steps * (from + (to - from) * (draws[kill] as number)));
        const known = decided && kill === kills.length - 1 ? decidedAt(params, steps) : 0;
        let killed = false;
        const { error, stored } = await training.attempt({
          name: 'killed',
          checkpoint: newest?.file,
          onStep: (step, pid, storedStep) => {
            if (killed || step < victim || storedStep < known) return;
            killed = true;
            process.kill(pid, 'SIGKILL');
          },
        });
        expect(error, `killed at step ${victim}`).toMatchObject({ code: 'CHILD_CRASHED' });
        newest = stored ?? newest;
      }
      expect((await training.attempt({ name: 'killed', checkpoint: newest?.file })).error).toBeUndefined();
      expect(await training.digest('killed')).toBe(await training.digest('undisturbed'));
      expect(await training.stepRows('killed')).toEqual(rows);
    },
    120_000,
  );
});

/** The step after which the best epoch, or the first of two networks, is known. */
function decidedAt({ earlyStopping }: SteppedTrainParams, steps: number): number {
  return earlyStopping ? steps - patience * stepsPerEpoch : steps / 2;
}
