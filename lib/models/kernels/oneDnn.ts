import type { Tf } from '../tensorflow.ts';
import { type Attribute, execute } from './execute.ts';

/** The label under which TensorFlow keeps oneDNN's own kernels: operations named `_MklNative...`. */
export const byOneDnn: Readonly<Record<string, Attribute>> = { _kernel: { string: 'MklNameChangeOp' } };

let there: boolean | undefined;

/** Whether this build of TensorFlow is with oneDNN: those for ARM and macOS may be without. */
export function hasOneDnn(tf: Tf): boolean {
  there ??= tf.tidy(() => {
    const pooling: Readonly<Record<string, Attribute>> = {
      T: { type: 'float32' },
      ksize: { int: [1, 1, 1, 1] },
      strides: { int: [1, 1, 1, 1] },
      padding: { string: 'VALID' },
      data_format: { string: 'NHWC' },
      workspace_enabled: { bool: true },
    };
    try {
      execute(tf, '_MklNativeMaxPool', [tf.zeros([1, 1, 1, 1])], { ...pooling, ...byOneDnn }, 2);
      return true;
    } catch {
      return false;
    }
  });
  return there;
}
