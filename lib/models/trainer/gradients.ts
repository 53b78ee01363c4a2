import type { Scalar, Tensor } from '@tensorflow/tfjs-node';
import type { Tf } from '../tensorflow.ts';

/** An operation that tfjs recorded, with its gradient. */
type TapeNode = ReturnType<Tf['engine']>['state']['activeTape'][number];

/**
 * A loss and its gradients in `weights`, by tfjs's tape; all of them are the caller's to dispose. A weight that the loss does not
 * depend on has none.
 *
 * tfjs frees what it saved for gradients, and the gradients between, when the last one is done. Here each node of the tape frees
 * its own as soon as the node before it is reached: nobody needs them any more, and the peak of `convnet2d`'s memory is a third
 * lower.
 *
 * @param loss runs inside `tf.tidy`
 */
export function lossAndGradients(
  tf: Tf,
  loss: () => Scalar,
  weights: readonly Tensor[],
): { readonly value: Scalar; readonly gradients: readonly (Tensor | undefined)[] } {
  // A gradient function may hand on what it was given, or give the same to two inputs.
  const holders = new Map<Tensor, number>();
  const hold = (gradient: Tensor) => {
    holders.set(gradient, (holders.get(gradient) ?? 0) + 1);
    return gradient;
  };
  const letGo = (gradient: Tensor | null) => {
    const others = (gradient ? (holders.get(gradient) ?? 1) : 1) - 1;
    if (gradient && others > 0) holders.set(gradient, others);
    else gradient?.dispose();
  };
  let release = () => {};
  const releasing = (node: TapeNode): void => {
    const { gradient, saved = [] } = node;
    if (!gradient) return;
    node.gradient = (dys) => {
      release();
      release = () => {
        tf.dispose(saved);
        dys.forEach(letGo);
      };
      const ofInputs = Object.entries(gradient(dys));
      return Object.fromEntries(ofInputs.map(([input, of]) => [input, () => hold(of())]));
    };
  };
  const { value, grads } = tf.engine().gradients(() => {
    const result = loss();
    tf.engine().state.activeTape.forEach(releasing);
    return result;
  }, [...weights]);
  release();
  return { value, gradients: grads };
}
