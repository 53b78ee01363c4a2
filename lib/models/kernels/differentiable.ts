import type { Tensor } from '@tensorflow/tfjs-node';
import type { Tf } from '../tensorflow.ts';

export interface Forward<S extends object> {
  readonly value: Tensor;
  /** What the gradient needs: tensors by name, in any depth. */
  readonly saved: S;
}

export interface Kernel<S extends object> {
  /** Disposes what it makes, but for what it gives. */
  forward(): Forward<S>;
  /** One gradient for each input, of its shape. What is saved may be disposed as soon as it is used; the rest is disposed then. */
  backward(dy: Tensor, saved: S): Tensor[];
}

/**
 * Runs a kernel as one operation on tfjs's tape, with its own gradient in `inputs`. What the gradient does not need to pass
 * through (a mask, pixels) a kernel takes without naming it as an input.
 *
 * tfjs keeps what is saved until the whole gradient is done; here it goes as soon as its kernel is.
 */
export function differentiable<T extends Tensor, S extends object>(
  tf: Tf,
  inputs: readonly Tensor[],
  kernel: Kernel<S>,
): T {
  const operation = tf.customGrad((...parameters) => {
    const save = parameters.at(-1) as unknown as (tensors: Tensor[]) => void;
    const { value, saved } = kernel.forward();
    const tensors: Tensor[] = [];
    collect(saved, tensors);
    save(tensors);
    const gradFunc = (dy: Tensor, kept: Tensor[]) => {
      const gradients = kernel.backward(dy, replaced(saved, [...kept]) as S);
      for (const tensor of kept) tensor.dispose();
      return gradients;
    };
    return { value, gradFunc };
  });
  return operation(...inputs) as T;
}

function isTensor(saved: object): saved is Tensor {
  return 'dataId' in saved;
}

function collect(saved: unknown, into: Tensor[]): void {
  if (typeof saved !== 'object' || saved === null) return;
  if (isTensor(saved)) into.push(saved);
  else for (const part of Object.values(saved)) collect(part, into);
}

/** The same with tfjs's own handles of the same tensors, which outlive the forward pass. */
function replaced(saved: unknown, kept: Tensor[]): unknown {
  if (typeof saved !== 'object' || saved === null) return saved;
  if (isTensor(saved)) return kept.shift();
  return Object.fromEntries(Object.entries(saved).map(([name, part]) => [name, replaced(part, kept)]));
}
