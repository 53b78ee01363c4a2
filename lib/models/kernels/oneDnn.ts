import type { NodeJSKernelBackend } from '@tensorflow/tfjs-node/dist/nodejs_kernel_backend.js';
import type { Tf } from '../tensorflow.ts';
import { type Attributes, execute } from './execute.ts';

/** The label under which TensorFlow keeps oneDNN's own kernels: operations named `_MklNative...`. */
export const byOneDnn: Attributes = { _kernel: { string: 'MklNameChangeOp' } };

let there: boolean | undefined;

/**
 * Whether oneDNN's own kernels are there and wanted: builds of TensorFlow for ARM and macOS may be without, on a GPU they would
 * bring everything back to the processor, and `TF_ENABLE_ONEDNN_OPTS=0` is for those who do not want them.
 */
export function hasOneDnn(tf: Tf): boolean {
  there ??= process.env.TF_ENABLE_ONEDNN_OPTS !== '0' && !onGpu(tf) && isRegistered(tf);
  return there;
}

/** tfjs sets no device: TensorFlow takes the GPU wherever it has a kernel for it. */
export function onGpu(tf: Tf): boolean {
  return (tf.backend() as NodeJSKernelBackend).isUsingGpuDevice;
}

function isRegistered(tf: Tf): boolean {
  const pooling: Attributes = {
    ...byOneDnn,
    T: { type: 'float32' },
    ksize: { int: [1, 1, 1, 1] },
    strides: { int: [1, 1, 1, 1] },
    padding: { string: 'VALID' },
    data_format: { string: 'NHWC' },
    workspace_enabled: { bool: true },
  };
  return tf.tidy(() => {
    try {
      execute(tf, '_MklNativeMaxPool', [tf.zeros([1, 1, 1, 1])], pooling, 2);
      return true;
    } catch (error) {
      // Anything else, such as a lack of memory, must not decide how a training computes.
      if (error instanceof Error && /not registered|No OpKernel|Could not find device/.test(error.message))
        return false;
      throw error;
    }
  });
}
