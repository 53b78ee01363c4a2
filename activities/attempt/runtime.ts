import type { RuntimeClass } from '../../contract/artifact.ts';

/**
 * Whether two classes give the same bytes. JavaScript alone computes the same everywhere; where TensorFlow computes, its library,
 * the threads and the CPU's instructions decide how sums are rounded.
 */
export function sameRuntime(a: RuntimeClass, b: RuntimeClass): boolean {
  if (a.backend !== b.backend) return false;
  return (
    a.backend === 'none' ||
    (a.libtensorflow === b.libtensorflow &&
      a.threads === b.threads &&
      a.instructions === b.instructions &&
      a.platform === b.platform)
  );
}
