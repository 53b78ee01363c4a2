/** A network's weights, its optimizer's slots and the weights' moving averages while it trains: TensorFlow's, by name. */
import type { Tensor, Tensor1D, Tensor4D } from '@tensorflow/tfjs-node';
import type { OptimizerParams } from '../../../contract/networks/training.ts';
import { initialWeight } from '../networks/initialWeights.ts';
import type { Network, WeightPlan } from '../networks/network.ts';
import type { Tf } from '../tensorflow.ts';
import { averagingShare, moveAverage } from './average.ts';
import type { NamedTensor } from './checkpoint.ts';
import { clipScale, globalNorm, halfSquares } from './clip.ts';
import { areFinite } from './finite.ts';
import type { LossFunction } from './loss.ts';
import { noiseAt } from './noise.ts';
import { type Optimizer, optimizerFor } from './optimizer.ts';
import { ResourceVariable, Scalars } from './resourceVariable.ts';

export interface VariablesOptions {
  readonly tf: Tf;
  readonly plan: readonly WeightPlan[];
  readonly optimizer: OptimizerParams;
  /** Share that a moving average of the weights keeps of itself from step to step; without it there is none. */
  readonly averaging?: number | undefined;
  /** Longest that all gradients together may be, as one vector. */
  readonly clipNorm?: number | undefined;
  readonly seed: number;
  /** The network's number in an ensemble; 0 when it is alone. */
  readonly member: number;
  /** What a checkpoint held; weights are drawn from the seed where it holds nothing. */
  readonly stored?: readonly NamedTensor[] | undefined;
}

export interface StepOptions {
  /** Steps finished before this one. */
  readonly step: number;
  /** The schedule's multiple of the learning rate at this step. */
  readonly rate: number;
  readonly loss: LossFunction;
}

export interface StepResult {
  /** Mean over the batch. */
  readonly loss: number;
  /** `[plots]`, in standardised units, by the weights before this step. */
  readonly predicted: Float32Array;
  /** Of all gradients together, before clipping; only where there is a `clipNorm`. */
  readonly gradientNorm?: number;
}

interface Weight {
  readonly plan: WeightPlan;
  readonly variable: ResourceVariable;
  readonly slots: Readonly<Record<string, ResourceVariable>>;
  readonly average: ResourceVariable | undefined;
}

export class Variables {
  readonly #options: VariablesOptions;
  readonly #optimizer: Optimizer;
  readonly #weights = new Map<string, Weight>();

  constructor(options: VariablesOptions) {
    const { tf, plan, averaging, seed, member, stored = [] } = options;
    this.#options = options;
    this.#optimizer = optimizerFor(options.optimizer);
    const values = new Map(stored.map((tensor) => [tensor.name, tensor.values]));
    for (const [index, weight] of plan.entries()) {
      const { name, shape } = weight;
      // A copy, because updates in place would write into the caller's.
      const of = (key: string) => values.get(`${key}/${name}`)?.slice();
      const initial = of('weights') ?? initialWeight(weight, index, seed, member);
      const make = (from: Float32Array) => variableOf(tf, shape, from);
      const slots = weight.trainable ? this.#optimizer.slots : [];
      this.#weights.set(name, {
        plan: weight,
        average: averaging === undefined ? undefined : make(of('average') ?? initial.slice()),
        slots: Object.fromEntries(
          slots.map((slot) => [slot, make(of(`slots/${slot}`) ?? new Float32Array(initial.length))]),
        ),
        variable: make(initial),
      });
    }
  }

  /**
   * One step of training.
   *
   * @param x `[plots, height, width, channels]`
   * @param targets `[plots]`, in standardised units
   */
  step(network: Network, x: Tensor4D, targets: Tensor1D, { step, rate, loss }: StepOptions): StepResult {
    const { tf, clipNorm, averaging, seed, member } = this.#options;
    const scalars = new Scalars(tf);
    try {
      return tf.tidy(() => {
        const trainable = [...this.#weights.values()].filter(({ plan }) => plan.trainable);
        const read = new Map(trainable.map(({ plan, variable }) => [plan.name, variable.read()]));
        const training = {
          step,
          noise: noiseAt({ seed, member, step }),
          assign: (name: string, value: Tensor) => {
            this.#weight(name).variable.assign(value);
            value.dispose();
          },
        };
        const weight = <T extends Tensor>(name: string) => (read.get(name) ?? this.#weight(name).variable.read()) as T;
        let predicted: Tensor1D | undefined;
        const { value, grads } = tf.engine().gradients(() => {
          predicted = tf.keep(network.forward({ tf, x, weight, training }));
          return loss(tf, predicted, targets);
        }, [...read.values()]);
        // Held no longer, so that weights are changed in place.
        for (const tensor of read.values()) tensor.dispose();
        const halves = clipNorm === undefined ? [] : grads.map((gradient) => halfSquares(tf, gradient).reshape([1]));
        const numbers = tf.concat([value.reshape([1]), predicted as Tensor1D, ...halves] as Tensor1D[]).dataSync();
        (predicted as unknown as Tensor1D).dispose();
        const gradientNorm = globalNorm(numbers.subarray(1 + x.shape[0]));
        const gradientScale = clipNorm === undefined ? 1 : clipScale(gradientNorm, clipNorm);
        for (const [index, { plan, variable, slots }] of trainable.entries()) {
          this.#optimizer.update({
            tf,
            weight: variable,
            slots,
            gradient: grads[index] as Tensor,
            gradientScale,
            rate: rate * (plan.rate ?? 1),
            decays: plan.decay ?? plan.shape.length > 1,
            step,
            scalar: scalars.of,
          });
        }
        if (averaging !== undefined) {
          const share = averagingShare(averaging, step);
          for (const { average, variable } of this.#weights.values()) {
            moveAverage(tf, average as ResourceVariable, variable, share, scalars.of);
          }
        }
        return {
          loss: numbers[0] as number,
          predicted: numbers.slice(1, 1 + x.shape[0]) as Float32Array,
          ...(clipNorm === undefined ? {} : { gradientNorm }),
        } as never;
      }) as unknown as StepResult;
    } finally {
      scalars.dispose();
    }
  }

  /** `[plots]`, in standardised units, by the averaged weights where there are any. */
  predict(network: Network, x: Tensor4D): Float32Array {
    const { tf } = this.#options;
    const weight = <T extends Tensor>(name: string) => {
      const { average, variable } = this.#weight(name);
      return (average ?? variable).read<T>();
    };
    return tf.tidy(() => network.forward({ tf, x, weight }).dataSync() as Float32Array);
  }

  /**
   * Copies. `weights`: those that predict, `weights/NAME`, in the order of the plan; `all`: what a checkpoint needs,
   * `weights/NAME`, `slots/SLOT/NAME` and `average/NAME`.
   */
  snapshot(what: 'weights' | 'all'): NamedTensor[] {
    return [...this.#weights].flatMap(([name, { variable, slots, average }]) => {
      if (what === 'weights') return named(`weights/${name}`, average ?? variable);
      return [
        named(`weights/${name}`, variable),
        ...Object.entries(slots).map(([slot, kept]) => named(`slots/${slot}/${name}`, kept)),
        ...(average ? [named(`average/${name}`, average)] : []),
      ];
    });
  }

  /** Whether all of it is numbers: weights, slots and averages. */
  areFinite(): boolean {
    return areFinite(this.#options.tf, this.#all());
  }

  dispose(): void {
    for (const variable of this.#all()) variable.dispose();
    this.#weights.clear();
  }

  #all(): ResourceVariable[] {
    return [...this.#weights.values()].flatMap(({ variable, slots, average }) => [
      variable,
      ...Object.values(slots),
      ...(average ? [average] : []),
    ]);
  }

  #weight(name: string): Weight {
    const weight = this.#weights.get(name);
    if (!weight) throw new RangeError(`The network's plan has no ${name}`);
    return weight;
  }
}

function variableOf(tf: Tf, shape: readonly number[], values: Float32Array): ResourceVariable {
  const initial = tf.tensor(values, [...shape]);
  const variable = new ResourceVariable(tf, initial);
  initial.dispose();
  return variable;
}

function named(name: string, variable: ResourceVariable): NamedTensor {
  return { name, shape: variable.shape, values: variable.values() };
}
