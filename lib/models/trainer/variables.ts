/** A network's weights and its optimizer's slots while it trains, as TensorFlow variables by name. */
import type { Tensor, Tensor1D, Tensor4D, Variable } from '@tensorflow/tfjs-node';
import { initialWeight } from '../networks/initialWeights.ts';
import type { Network, WeightPlan } from '../networks/network.ts';
import type { Tf } from '../tensorflow.ts';
import type { NamedTensor } from './checkpoint.ts';
import type { Optimizer } from './optimizer.ts';

export class Variables {
  readonly #tf: Tf;
  readonly #plan: readonly WeightPlan[];
  readonly #optimizer: Optimizer;
  readonly #byName = new Map<string, Variable>();

  /** @param stored what a checkpoint held; drawn from the seed where it holds nothing */
  constructor(
    tf: Tf,
    plan: readonly WeightPlan[],
    optimizer: Optimizer,
    seed: number,
    stored: readonly NamedTensor[] = [],
  ) {
    this.#tf = tf;
    this.#plan = plan;
    this.#optimizer = optimizer;
    const values = new Map(stored.map((tensor) => [tensor.name, tensor.values]));
    for (const [index, weight] of plan.entries()) {
      const name = `weights/${weight.name}`;
      this.#add(name, weight, values.get(name) ?? initialWeight(weight, index, seed));
      if (!weight.trainable) continue;
      for (const slot of optimizer.slots) {
        const slotName = `slots/${slot}/${weight.name}`;
        this.#add(
          slotName,
          weight,
          values.get(slotName) ?? initialWeight({ ...weight, initial: 'zeros' }, index, seed),
        );
      }
    }
  }

  /**
   * One step of training; gives the batch's loss, the mean absolute error in standardised units.
   *
   * @param scheduled the learning rate at this step, as a multiple of the optimizer's
   */
  step(
    network: Network,
    x: Tensor4D,
    targets: Tensor1D,
    { step, scheduled }: { step: number; scheduled: number },
  ): number {
    const tf = this.#tf;
    const trainable = this.#plan.filter((weight) => weight.trainable);
    const assign = (name: string, value: Tensor) => this.#assign(`weights/${name}`, value);
    const weight = <T extends Tensor>(name: string) => this.#get(`weights/${name}`) as Tensor as T;
    const { value, grads } = tf.variableGrads(
      () => network.forward({ tf, x, weight, training: { step, assign } }).sub(targets).abs().mean(),
      trainable.map(({ name }) => this.#get(`weights/${name}`)),
    );
    tf.tidy(() => {
      for (const { name, rate = 1 } of trainable) {
        const variable = this.#get(`weights/${name}`);
        const slots = Object.fromEntries(
          this.#optimizer.slots.map((slot) => [slot, this.#get(`slots/${slot}/${name}`)]),
        );
        const gradient = grads[variable.name] as Tensor;
        const updated = this.#optimizer.update(tf, { weight: variable, gradient, slots, rate: rate * scheduled, step });
        this.#assign(`weights/${name}`, updated.weight);
        for (const [slot, tensor] of Object.entries(updated.slots)) this.#assign(`slots/${slot}/${name}`, tensor);
      }
    });
    const loss = value.dataSync()[0] as number;
    tf.dispose([value, ...Object.values(grads)]);
    return loss;
  }

  /** `[plots]`, in standardised units. */
  predict(network: Network, x: Tensor4D): Float32Array {
    const weight = <T extends Tensor>(name: string) => this.#get(`weights/${name}`) as Tensor as T;
    return this.#tf.tidy(() => network.forward({ tf: this.#tf, x, weight }).dataSync() as Float32Array);
  }

  /** Copies, in the order of the plan: all, or the weights alone. */
  snapshot(what: 'weights' | 'all'): NamedTensor[] {
    return [...this.#byName]
      .filter(([name]) => what === 'all' || name.startsWith('weights/'))
      .map(([name, variable]) => ({ name, shape: variable.shape, values: Float32Array.from(variable.dataSync()) }));
  }

  areFinite(): boolean {
    return [...this.#byName.values()].every((variable) => variable.dataSync().every(Number.isFinite));
  }

  dispose(): void {
    for (const variable of this.#byName.values()) variable.dispose();
    this.#byName.clear();
  }

  #add(name: string, { shape, trainable }: WeightPlan, values: Float32Array): void {
    const initial = this.#tf.tensor(values, [...shape]);
    this.#byName.set(name, this.#tf.variable(initial, trainable));
    initial.dispose();
  }

  #assign(name: string, value: Tensor): void {
    this.#get(name).assign(value as never);
    value.dispose();
  }

  #get(name: string): Variable {
    const variable = this.#byName.get(name);
    if (!variable) throw new RangeError(`The network's plan has no ${name}`);
    return variable;
  }
}
