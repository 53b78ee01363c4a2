/** Loads TensorFlow, computes one product, and says how that went: for `furrow doctor`. */
import { loadTensorflow } from '../tensorflow.ts';

try {
  const started = performance.now();
  const tf = await loadTensorflow();
  const product = tf.matMul(tf.ones([2, 3]), tf.ones([3, 2]));
  const [first] = await product.data();
  if (first !== 3) throw new Error(`a product of ones came out as ${first}`);
  const milliseconds = Math.round(performance.now() - started);
  process.stdout.write(JSON.stringify({ ok: true, backend: tf.getBackend(), milliseconds }));
} catch (error) {
  process.stdout.write(JSON.stringify({ ok: false, reason: error instanceof Error ? error.message : String(error) }));
}
