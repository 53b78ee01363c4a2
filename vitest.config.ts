import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['node_modules', 'dist', 'dist.*'],
    // Native TensorFlow and the Temporal core do not like worker threads.
    pool: 'forks',
    maxWorkers: 2,
    // The tester's own W&B is none of the tests' business: those that need one bring it.
    env: { WANDB_MODE: 'disabled' },
    testTimeout: 60_000,
    hookTimeout: 120_000,
    coverage: {
      provider: 'v8',
      include: ['contract/**', 'workflows/**', 'activities/**', 'lib/**', 'serving/**', 'worker/**', 'client/**'],
      exclude: ['**/*.test.ts', '**/testing/**'],
      reporter: ['text-summary'],
    },
  },
});
