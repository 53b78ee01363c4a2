import type { TestContext } from 'vitest';

export const isLinux = process.platform === 'linux';

/** For tests that build an image with this machine's Node. */
export function linuxOnly({ skip }: TestContext): void {
  skip(!isLinux, `An image takes in the running Node, and this one is for ${process.platform}`);
}
