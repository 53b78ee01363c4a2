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
import { lossAndGradients } from './gradients.ts';
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
      const of = (key: string) => values.get(`${key}/${name}`);
      const make = (from: Float32Array) => new ResourceVariable(tf, shape, from);
      const initial = of('weights') ?? initialWeight(weight, index, seed, member);
      const slots = weight.trainable ? this.#optimizer.slots : [];
      this.#weights.set(name, {
        plan: weight,
        variable: make(initial),
        slots: Object.fromEntries(
          slots.map((slot) => [slot, make(of(`slots/${slot}`) ?? new Float32Array(initial.length))]),
        ),
        average: averaging === undefined ? undefined : make(of('average') ?? initial),
      });
    }
  }

  /**
   * One step of training.
   *
   * @param x `[plots, height, width, channels]`
   * @param targets `[plots]`, in standardised units
   */
  step(network: Network, x: Tensor4D, targets: Tensor1D, options: StepOptions): StepResult {
    const { tf, clipNorm } = this.#options;
    const scalars = new Scalars(tf);
    let predicted: Tensor1D | undefined;
    const keeping: LossFunction = (_, output, expected) => {
      predicted = tf.keep(output);
      return options.loss(tf, output, expected);
    };
    try {
      return scoped(tf, () => {
        const { value, gradients } = this.#gradients(network, x, targets, { ...options, loss: keeping });
        const halves = clipNorm === undefined ? [] : gradients.map((gradient) => halfSquares(tf, gradient));
        // One read, before the update: a GPU then goes on with that by itself.
        const numbers = tf.concat([value, ...halves, predicted as Tensor].map((tensor) => tensor.flatten())).dataSync();
        const norm = globalNorm(numbers.subarray(1, 1 + halves.length));
        this.#update(gradients, clipNorm === undefined ? 1 : clipScale(norm, clipNorm), options, scalars);
        this.#average(options.step, scalars);
        return {
          loss: numbers[0] as number,
          predicted: numbers.slice(1 + halves.length) as Float32Array,
          ...(clipNorm === undefined ? {} : { gradientNorm: norm }),
        };
      });
    } finally {
      predicted?.dispose();
      scalars.dispose();
    }
  }

  #gradients(network: Network, x: Tensor4D, targets: Tensor1D, { step, loss }: StepOptions) {
    const { tf, seed, member } = this.#options;
    const read = new Map(this.#trainable().map(({ plan, variable }) => [plan.name, variable.read()]));
    const assign = (name: string, value: Tensor) => {
      this.#weight(name).variable.assign(value);
      value.dispose();
    };
    const training = { step, assign, noise: noiseAt({ seed, member, step }) };
    const weight = <T extends Tensor>(name: string) => (read.get(name) ?? this.#weight(name).variable.read()) as T;
    const forward = () => loss(tf, network.forward({ tf, x, weight, training }), targets);
    const taken = lossAndGradients(tf, forward, [...read.values()]);
    // Held any longer, they would keep weights from being changed in place.
    tf.dispose([...read.values()]);
    const names = [...read.keys()];
    const gradients = taken.gradients.map((gradient, index) => {
      if (!gradient) throw new RangeError(`The network's prediction does not depend on ${names[index]}`);
      return gradient;
    });
    return { value: taken.value, gradients };
  }

  #update(
    gradients: readonly Tensor[],
    gradientScale: number,
    { step, rate }: StepOptions,
    { of: scalar }: Scalars,
  ): void {
    const { tf } = this.#options;
    for (const [index, { plan, variable, slots }] of this.#trainable().entries()) {
      this.#optimizer.update({
        tf,
        weight: variable,
        slots,
        gradient: gradients[index] as Tensor,
        gradientScale,
        rate: rate * (plan.rate ?? 1),
        decays: plan.decay ?? plan.shape.length > 1,
        step,
        scalar,
      });
    }
  }

  #average(step: number, { of: scalar }: Scalars): void {
    const { tf, averaging } = this.#options;
    if (averaging === undefined) return;
    const share = averagingShare(averaging, step);
    for (const { average, variable } of this.#weights.values()) {
      moveAverage(tf, average as ResourceVariable, variable, share, scalar);
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

  #trainable(): Weight[] {
    return [...this.#weights.values()].filter(({ plan }) => plan.trainable);
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

/** `tf.tidy` for what is not a tensor. */
function scoped<T>(tf: Tf, run: () => T): T {
  let result: T | undefined;
  tf.tidy(() => {
    result = run();
  });
  return result as T;
}

function named(name: string, variable: ResourceVariable): NamedTensor {
  return { name, shape: variable.shape, values: variable.values() };
}
