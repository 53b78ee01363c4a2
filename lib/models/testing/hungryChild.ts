/** A child for tests: takes memory until it is killed, or until TensorFlow gets no more. */
import { setTimeout as setTimeoutPromise } from 'node:timers/promises';
import { serveTask } from '../child/serveTask.ts';
import { loadTensorflow } from '../tensorflow.ts';

export interface HungryTask {
  readonly kind: 'buffers' | 'tensors';
}

const block = 8 * 2 ** 20;
/** Bytes, and tensors of 64 MiB: by then the limit that the test has set does not hold. */
const most = 2 ** 30;

serveTask<HungryTask, number>(async ({ kind }) => {
  if (kind === 'tensors') {
    const tf = await loadTensorflow();
    const kept = [tf.zeros([16, 1024, 1024])];
    for (let count = 0; count < 200; count++) kept.push((kept.at(-1) as (typeof kept)[number]).add(1));
    return kept.length;
  }
  const kept: Buffer[] = [];
  while (kept.length * block < most) {
    kept.push(Buffer.alloc(block, kept.length + 1));
    // Slowly, so that the parent sees it grow.
    await setTimeoutPromise(20);
  }
  return kept.length;
});
