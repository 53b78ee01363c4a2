import { z } from 'zod';
import { onFailureSchema } from '../../contract/config.ts';
import { FurrowError } from '../../contract/errors.ts';
import type { TrainPipelineRequest } from '../../contract/messages.ts';
import { suggest } from '../../contract/suggest.ts';

const contentSchema = z.strictObject({
  file: z.string(),
  text: z.string(),
  baseFolder: z.string(),
  commit: z
    .string()
    .regex(/^[0-9a-f]{40,64}$/, 'Expected the digits of a commit')
    .optional(),
  env: z.record(z.string(), z.string()).optional(),
});

const requestSchema = z.strictObject({
  config: z
    .union([z.string(), contentSchema], 'Expected a path in the configs folder, or `{file, text, baseFolder}`')
    .optional(),
  set: z.record(z.string(), z.json()).optional(),
  noCache: z.boolean().optional(),
  refresh: z.array(z.string()).optional(),
  onFailure: onFailureSchema.optional(),
  replayOf: z.string().optional(),
  store: z.strictObject({ uri: z.string(), id: z.string() }).optional(),
});

/**
 * What a run was started with, checked: it may come from any Temporal client, and a mistyped `noCahce` must not be ignored.
 *
 * @throws FurrowError `CONFIG_INVALID` with every problem.
 */
export function checkRequest(request: unknown): TrainPipelineRequest {
  const parsed = requestSchema.safeParse(request);
  if (parsed.success) return parsed.data as TrainPipelineRequest;
  throw new FurrowError('CONFIG_INVALID', parsed.error.issues.flatMap(describe).join('\n'));
}

function describe(issue: z.core.$ZodIssue): string[] {
  const place = ['input', ...issue.path].join('.');
  if (issue.code !== 'unrecognized_keys') return [`${place}: ${issue.message}`];
  return issue.keys.map((key) => {
    const meant = suggest(key, Object.keys(requestSchema.shape));
    return `${place}: unknown key \`${key}\`${meant ? `; did you mean \`${meant}\`?` : ''}`;
  });
}
