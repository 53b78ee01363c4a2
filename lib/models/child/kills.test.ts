import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { trainParams } from '../../../contract/stages/train.ts';
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
const stepsPerEpoch = 4;
const steps = 16;
/** Twelve pairs of a network and an optimizer: 24 kills. */
const killsOfPair = 2;

const pairs = Object.entries(networks).flatMap(([network, of]) =>
  Object.entries(optimizers).map(([name, optimizer]) => ({ name: `${network} with ${name}`, ...of, optimizer })),
);

beforeAll(async () => {
  entry = await buildProgram('lib/models/child/trainMain.ts');
  await writeToyFeatures(features, { height: 40, width: 26, plots: { train: 28, validation: 4, test: 0 } });
}, 120_000);

describe('a training killed at random moments ends with the byte-identical model', () => {
  it.each(pairs.map((pair, number) => ({ ...pair, number })))(
    '$name',
    async ({ name, number, ...network }) => {
      const params = trainParams.parse({ ...network, ...everything });
      const training = trainingAttempts({ entry, folder: join(folder, String(number)), features, params });
      expect((await training.attempt({ name: 'undisturbed' })).error).toBeUndefined();

      let newest: { step: number; file: string } | undefined;
      for (const draw of uniforms({ seed: number, use: 'augmentation' }, killsOfPair)) {
        // Within what is left, and early enough that the next kill finds something to do.
        const from = newest?.step ?? 0;
        const victim = from + 1 + Math.floor(draw * (Math.min(steps - stepsPerEpoch, from + 2 * stepsPerEpoch) - from));
        const { error, stored } = await training.attempt({
          name: 'killed',
          checkpoint: newest?.file,
          onStep: (step, pid) => {
            if (step === victim) process.kill(pid, 'SIGKILL');
          },
        });
        expect(error, `killed at step ${victim}`).toMatchObject({ code: 'CHILD_CRASHED' });
        newest = stored ?? newest;
      }
      expect((await training.attempt({ name: 'killed', checkpoint: newest?.file })).error).toBeUndefined();
      expect(await training.digest('killed')).toBe(await training.digest('undisturbed'));
      expect(await training.stepRows('killed')).toEqual(Array.from({ length: steps }, (_, index) => index + 1));
    },
    120_000,
  );
});
