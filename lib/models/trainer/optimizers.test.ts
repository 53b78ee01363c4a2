import { beforeAll, describe, expect, it } from 'vitest';
import type { OptimizerParams } from '../../../contract/networks/training.ts';
import { loadTensorflow, type Tf } from '../tensorflow.ts';
import { clipScale, globalNorm, halfSquares } from './clip.ts';
import { optimizerFor, type Update } from './optimizer.ts';
import { ResourceVariable, Scalars } from './resourceVariable.ts';

let tf: Tf;
beforeAll(async () => {
  tf = await loadTensorflow();
});

const steps = 6;
const start = [0.5, -1, 2, 0.1];
/** Gradients from 1e-2 to 10, and a learning rate that falls. */
const gradientAt = (step: number) =>
  [0, 1, 2, 3].map((k) => Math.sin(1.7 * step + (k % 2) + 2 * (k >> 1)) * 10 ** ((k % 2) - 2 * (k >> 1)));
const rateAt = (step: number) => 1 - step / steps;

/** Where the optimizer takes the weights, by the kernels that train. */
function trained(
  params: OptimizerParams,
  changes: Partial<Update> = {},
  clipNorm = Number.POSITIVE_INFINITY,
): number[] {
  const optimizer = optimizerFor(params);
  const variable = (values: readonly number[]) => new ResourceVariable(tf, [2, 2], Float32Array.from(values));
  const weight = variable(start);
  const slots = Object.fromEntries(optimizer.slots.map((slot) => [slot, variable([0, 0, 0, 0])]));
  const scalars = new Scalars(tf);
  for (let step = 0; step < steps; step++) {
    tf.tidy(() => {
      const gradient = tf.tensor2d(gradientAt(step), [2, 2]);
      const gradientScale = clipScale(globalNorm([halfSquares(tf, gradient).dataSync()[0] as number]), clipNorm);
      const at = { tf, gradient, gradientScale, rate: rateAt(step), decays: true, step, scalar: scalars.of };
      optimizer.update({ ...at, weight, slots, ...changes });
    });
  }
  const values = [...weight.values()];
  for (const each of [weight, ...Object.values(slots), scalars]) each.dispose();
  return values;
}

function close(actual: readonly number[], expected: readonly number[]): void {
  for (const [index, value] of expected.entries()) expect(actual[index]).toBeCloseTo(value, 6);
}

const betas = { beta1: 0.9, beta2: 0.999, epsilon: 1e-3 };
const optimizers = {
  sgd: { sgd: { lr: 0.02, momentum: 0 } },
  momentum: { sgd: { lr: 0.02, momentum: 0.9 } },
  adam: { adam: { lr: 0.02, ...betas } },
  adamw: { adamw: { lr: 0.02, ...betas, weightDecay: 0.3 } },
} as const satisfies Record<string, OptimizerParams>;

/**
 * By PyTorch 2.15 in float64:
 *
 * ```python
 * w = torch.nn.Parameter(torch.tensor([[0.5, -1.0], [2.0, 0.1]], dtype=torch.float64))
 * o = torch.optim.SGD([w], 0.02)  # SGD([w], 0.02, 0.9); Adam([w], 0.02, (0.9, 0.999), 1e-3); AdamW(..., weight_decay=0.3)
 * for t in range(6):
 *     w.grad = torch.tensor([[math.sin(1.7 * t + i + 2 * j) * 10.0 ** (i - 2 * j) for i in range(2)] for j in range(2)], dtype=torch.float64)
 *     torch.nn.utils.clip_grad_norm_([w], 1.0)  # in `clipped`
 *     o.param_groups[0]['lr'] = 0.02 * (1 - t / 6)
 *     o.step()
 * ```
 */
const pytorch = {
  sgd: [0.490181902, -1.158492169, 1.999926914, 0.100795147],
  momentum: [0.474134182, -1.460277882, 1.99976128, 0.102023157],
  adam: [0.482370616, -1.038752978, 1.979495401, 0.096917747],
  adamw: [0.472108846, -1.017468445, 1.938129246, 0.094979761],
};
const clipped = {
  sgd: [0.498368358, -1.018379188, 1.999996456, 0.100145493],
  momentum: [0.496474787, -1.062674341, 1.999967526, 0.100275827],
  adam: [0.484957705, -1.040460044, 1.989565896, 0.100629242],
  adamw: [0.474695359, -1.019151313, 1.94805446, 0.098599585],
};

/** The papers' equations in double precision. */
function reference(next: (weight: number, gradient: number, rate: number, time: number) => number, index: number) {
  let weight = start[index] as number;
  for (let step = 0; step < steps; step++) {
    weight = next(weight, gradientAt(step)[index] as number, 0.02 * rateAt(step), step + 1);
  }
  return weight;
}

function adamReference(weightDecay: number) {
  let [m, v] = [0, 0];
  return (weight: number, gradient: number, rate: number, time: number) => {
    m = 0.9 * m + 0.1 * gradient;
    v = 0.999 * v + 0.001 * gradient ** 2;
    const unbiased = [m / (1 - 0.9 ** time), v / (1 - 0.999 ** time)] as const;
    return weight * (1 - rate * weightDecay) - (rate * unbiased[0]) / (Math.sqrt(unbiased[1]) + 1e-3);
  };
}

const references = {
  sgd: () => (weight: number, gradient: number, rate: number) => weight - rate * gradient,
  momentum: () => {
    let velocity = 0;
    return (weight: number, gradient: number, rate: number) => {
      velocity = 0.9 * velocity + gradient;
      return weight - rate * velocity;
    };
  },
  adam: () => adamReference(0),
  adamw: () => adamReference(0.3),
};

const names = Object.keys(optimizers) as (keyof typeof optimizers)[];

describe.each(names)('%s', (name) => {
  it('goes where its equations go in double precision', () => {
    const expected = start.map((_, index) => reference(references[name](), index));
    close(trained(optimizers[name]), expected);
  });

  it('goes where that of PyTorch goes, gradients clipped or not', () => {
    close(trained(optimizers[name]), pytorch[name]);
    close(trained(optimizers[name], {}, 1), clipped[name]);
  });
});

describe('adamw', () => {
  it('takes from a weight by its own learning rate', () => {
    const still = { gradient: tf.zeros([2, 2]) };
    const after = trained(optimizers.adamw, { ...still, rate: 0.5 });
    close(
      after,
      start.map((value) => value * (1 - 0.02 * 0.5 * 0.3) ** steps),
    );
    still.gradient.dispose();
  });

  it('is Adam where decay spares the weight', () => {
    expect(trained(optimizers.adamw, { decays: false })).toEqual(trained(optimizers.adam));
  });
});

describe('clipScale', () => {
  it('leaves gradients alone up to the limit, and brings longer ones down to it', () => {
    expect(clipScale(0, 2)).toBe(1);
    expect(clipScale(1.99, 2)).toBe(1);
    expect(clipScale(8, 2)).toBeCloseTo(0.25, 6);
  });

  it('measures all gradients as one vector', () => {
    expect(globalNorm([3 ** 2 / 2, 4 ** 2 / 2])).toBe(5);
  });
});
