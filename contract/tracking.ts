import { z } from 'zod';

/**
 * Whether and how a run is tracked: `auto` is `online` where the worker has a key, and off where it has none; `offline` writes files
 * for `wandb sync`.
 */
export const trackingModes = ['auto', 'online', 'offline', 'disabled'] as const;
export type TrackingMode = (typeof trackingModes)[number];

/** W&B's own rule for names of projects and entities, with the characters that its addresses cannot hold left out. */
const namePattern = /^[^/\\#?%:\s][^/\\#?%:]{0,127}$/;

export const wandbSchema = z.strictObject({
  project: z
    .string()
    .regex(namePattern, 'Expected a project name of at most 128 characters without / \\ # ? % :')
    .optional()
    .describe("The project at W&B; without it, the pipeline's name."),
  entity: z
    .string()
    .regex(namePattern, "Expected a user's or team's name")
    .optional()
    .describe("The user or team at W&B; without it, the key's own."),
  mode: z
    .enum(trackingModes)
    .default('auto')
    .describe(
      '`auto`: online where the worker has a key (`WANDB_API_KEY` or `~/.netrc`), off where it has none. `offline` writes files for `wandb sync`.',
    ),
  tags: z.array(z.string().min(1).max(64)).max(20).default([]).describe('Tags of every run at W&B.'),
  notes: z.string().max(2000).optional().describe('Notes of every run at W&B.'),
});

export const trackingSchema = z.strictObject({
  wandb: wandbSchema.optional().describe('Weights & Biases: https://docs.wandb.ai'),
});

/** As a pipeline says it, defaults filled in. */
export interface WandbSettings {
  readonly project: string;
  readonly entity?: string;
  readonly mode: TrackingMode;
  readonly tags: readonly string[];
  readonly notes?: string;
}

/** What `mode: auto` came to, where the run was planned. */
export interface Tracking extends Omit<WandbSettings, 'mode'> {
  readonly mode: Exclude<TrackingMode, 'auto'>;
  /** Of W&B's API. */
  readonly url: string;
  /** What a person should know of it, in one line: that there is no key, say. */
  readonly notice?: string;
}
