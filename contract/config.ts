import { z } from 'zod';
import type { ArtifactKind } from './artifact.ts';
import { durationSchema } from './duration.ts';
import type { JsonObject } from './json.ts';
import type { StageKind } from './stage.ts';
import { trackingSchema, type WandbSettings } from './tracking.ts';
import type { Work } from './work.ts';

/** A name that is safe in file names, workflow ids, activity ids (`stage#n`) and dotted paths. */
const namePattern = /^[a-z][a-z0-9_-]{0,62}$/;
const nameRule = 'Expected a name of at most 63 lower-case letters, digits, `-` and `_` that starts with a letter';

/** Temporal takes any text; this keeps a queue's name usable on a command line. */
const queuePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/;

/** The scheduler and the history of a run are measured up to here. */
export const mostStages = 500;

const nameSchema = z.string().regex(namePattern, nameRule);

const storeSchema = z
  .string()
  .min(1)
  .refine(
    (text) => !/^[a-z][a-z0-9+.-]*:\/\//i.test(text) || /^gs:\/\/[a-z0-9][a-z0-9._-]+(\/|$)/.test(text),
    'Unknown store: expected the path of a folder, or gs://bucket/prefix',
  );

/** What a run does once a stage has failed for good and every branch without it has ended. */
export const onFailures = ['hold', 'fail'] as const;
export type OnFailure = (typeof onFailures)[number];
export const onFailureSchema = z.enum(onFailures);

/** A failure on Friday night is seen on Monday. */
const usualHold = '3d';

export const stageSchema = z.strictObject({
  uses: z.string().min(1).describe('The kind of stage; `furrow stages` lists them.'),
  needs: z.array(z.string()).max(mostStages).default([]).describe('The stages whose output this one takes.'),
  with: z.record(z.string(), z.unknown()).default({}).describe('The parameters of the stage.'),
  queue: z
    .string()
    .regex(queuePattern, 'Expected a task queue name of letters, digits, `.`, `-` and `_`')
    .optional()
    .describe('The task queue whose workers run the stage.'),
  attempts: z.int().min(1).max(100).optional().describe('Attempts without progress before the stage has failed.'),
  timeout: durationSchema.optional().describe('The longest that one attempt may take: `90s`, `30m`, `6h`, `2d`.'),
  approval: z.boolean().default(false).describe('Wait for `furrow approve` before the stage starts.'),
});

/** A pipeline file as a person writes it. What its stages mean together is checked by `lib/config`. */
export const pipelineSchema = z.strictObject({
  name: nameSchema.describe('The name of the pipeline, under which its runs are listed.'),
  description: z.string().max(2000).optional().describe('What the pipeline is for.'),
  seed: z.int().min(0).default(0).describe('All that is random is derived from it.'),
  store: storeSchema
    .default('.furrow/store')
    .describe('What holds artifacts, checkpoints and results: a folder, or `gs://bucket/prefix`.'),
  strictRuntime: z
    .boolean()
    .default(false)
    .describe(
      'Refuse to resume or reuse results of another runtime class (other CPU instructions, other libtensorflow).',
    ),
  onFailure: onFailureSchema
    .default('hold')
    .describe(
      'When a stage has failed for good and nothing else can go on: `hold` waits for `furrow retry`, `fail` ends the run.',
    ),
  holdFor: durationSchema
    .default(usualHold)
    .describe('The longest that a run waits for a person, to retry or to approve: `12h`, `3d`.'),
  stages: z
    .record(nameSchema, stageSchema)
    .refine((stages) => Object.keys(stages).length > 0, 'Expected at least one stage')
    .describe('The stages by name; each starts as soon as those that it needs are done.'),
  tracking: trackingSchema.optional().describe('Where runs are shown beside Temporal.'),
});

export type PipelineFile = z.output<typeof pipelineSchema>;
export type StageEntry = z.output<typeof stageSchema>;

/** A pipeline that was checked as a whole: names resolved, defaults filled in. Travels through workflow history. */
export interface ResolvedPipeline {
  readonly name: string;
  readonly description?: string;
  readonly seed: number;
  readonly store: string;
  readonly strictRuntime: boolean;
  readonly onFailure: OnFailure;
  readonly holdForSeconds: number;
  /** Every stage after those that it needs; otherwise in the file's order. */
  readonly stages: readonly ResolvedStage[];
  readonly tracking?: { readonly wandb?: WandbSettings };
}

export interface ResolvedStage {
  readonly name: string;
  readonly uses: string;
  readonly kind: StageKind;
  readonly needs: readonly string[];
  /** Every role of the stage's contract, with the stages that fill it: empty for an optional one that is not filled. */
  readonly inputs: Readonly<Record<string, readonly string[]>>;
  /** Parsed parameters, defaults filled in. Holds `${secret:NAME}` as it was written. */
  readonly with: JsonObject;
  readonly queue: string;
  readonly work: Work;
  readonly attempts: number;
  readonly startToCloseSeconds: number;
  readonly approval: boolean;
  readonly usesTensorflow: boolean;
  readonly output: ArtifactKind;
}
