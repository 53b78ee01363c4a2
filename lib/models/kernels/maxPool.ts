import type { Tensor, Tensor4D } from '@tensorflow/tfjs-node';
import type { Tf } from '../tensorflow.ts';
import { differentiable } from './differentiable.ts';
import { type Attributes, execute } from './execute.ts';
import { byOneDnn, hasOneDnn } from './oneDnn.ts';

/**
 * Max pooling of squares beside each other, the rest at the borders left out. Of equal pixels the first one gets the gradient.
 *
 * By oneDNN's own pair of operations, where the library has them: the forward pass keeps where each maximum was, and the gradient
 * takes a tenth of the time of TensorFlow's, which looks for it again.
 *
 * https://oneapi-src.github.io/oneDNN/dev_guide_pooling.html
 *
 * @param x `[plots, height, width, channels]`
 * @returns `[plots, floor(height / size), floor(width / size), channels]`
 */
export function maxPool(tf: Tf, x: Tensor4D, size: number, oneDnn = hasOneDnn(tf)): Tensor4D {
  const attributes = attributesOf(size, oneDnn);
  return differentiable<Tensor4D, Saved>(tf, [x], {
    forward() {
      const [value, places] = (
        oneDnn ? execute(tf, '_MklNativeMaxPool', [x], attributes, 2) : execute(tf, 'MaxPool', [x], attributes, 1)
      ) as [Tensor, Tensor?];
      return { value, saved: { x, value, ...(places && { places }) } };
    },
    backward(dy, { x: saved, value, places }) {
      if (!places) return execute(tf, 'MaxPoolGrad', [saved, value, dy], attributes, 1);
      return execute(tf, '_MklNativeMaxPoolGrad', [saved, value, dy, places], attributes, 1);
    },
  });
}

interface Saved {
  readonly x: Tensor;
  readonly value: Tensor;
  /** Of each maximum in its square, as oneDNN notes it. */
  readonly places?: Tensor;
}

const known = new Map<string, Attributes>();

function attributesOf(size: number, oneDnn: boolean): Attributes {
  const key = `${size} ${oneDnn}`;
  let attributes = known.get(key);
  if (!attributes) {
    attributes = {
      T: { type: 'float32' },
      ksize: { int: [1, size, size, 1] },
      strides: { int: [1, size, size, 1] },
      padding: { string: 'VALID' },
      data_format: { string: 'NHWC' },
      ...(oneDnn && { ...byOneDnn, workspace_enabled: { bool: true } }),
    };
    known.set(key, attributes);
  }
  return attributes;
}
