import type { RuntimeClass } from '../../contract/artifact.ts';

/** Node's version does not round; the backend, its library, threads and instructions do. */
export function sameRuntime(a: RuntimeClass, b: RuntimeClass): boolean {
  return (
    a.backend === b.backend &&
    a.libtensorflow === b.libtensorflow &&
    a.threads === b.threads &&
    a.instructions === b.instructions &&
    a.platform === b.platform
  );
}
