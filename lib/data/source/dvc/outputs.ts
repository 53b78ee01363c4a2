/** What a `.dvc` file or a `dvc.lock` says of the contents that DVC keeps elsewhere. */
import { parse } from 'yaml';
import { z } from 'zod';
import { FurrowError } from '../../../../contract/errors.ts';

const md5 = z.string().regex(/^[0-9a-f]{32}(\.dir)?$/);
/** By remote: which generation of the object it was pushed as. */
const cloud = z.record(z.string(), z.object({ version_id: z.string().nullish() }));

const output = z.object({
  path: z.string().min(1),
  md5: md5.optional(),
  size: z.int().min(0).optional(),
  remote: z.string().optional(),
  hash: z.literal('md5').optional(),
  cloud: cloud.optional(),
  files: z
    .array(z.object({ relpath: z.string().min(1), md5, size: z.int().min(0).optional(), cloud: cloud.optional() }))
    .optional(),
});

/** One file or folder under DVC. */
export type DvcOutput = z.output<typeof output>;

const dvcFile = z.object({ outs: z.array(output).min(1), meta: z.unknown() }).partial({ meta: true });
/** Version 2 of the schema, the one since DVC 1.0. */
const lockFile = z.object({
  schema: z.literal('2.0'),
  stages: z.record(z.string(), z.object({ outs: z.array(output).optional() })).optional(),
});

/**
 * @param file as a person knows it, for messages
 * @throws FurrowError `DATA_BAD_INPUT` for what is no such file, or of a version that is not known
 */
export function parseDvcFile(text: string, file: string): readonly DvcOutput[] {
  return parsed(text, file, dvcFile).outs;
}

export function parseDvcLock(text: string, file: string): readonly DvcOutput[] {
  return Object.values(parsed(text, file, lockFile).stages ?? {}).flatMap(({ outs = [] }) => outs);
}

function parsed<T extends z.ZodType>(text: string, file: string, schema: T): z.output<T> {
  let content: unknown;
  try {
    content = parse(text);
  } catch (cause) {
    throw new FurrowError('DATA_BAD_INPUT', `${file} is no YAML: ${(cause as Error).message.split('\n')[0]}`, {
      cause,
    });
  }
  const result = schema.safeParse(content);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new FurrowError(
    'DATA_BAD_INPUT',
    `${file} is not as DVC 3 writes it, at \`${issue?.path.join('.') || 'the top'}\`: ${issue?.message}. Run \`dvc commit\` with DVC 3 to write it anew`,
    { details: { file } },
  );
}

const listing = z.array(z.object({ md5: z.string().regex(/^[0-9a-f]{32}$/), relpath: z.string().min(1) }));

/** The object behind an md5 that ends with `.dir`: the files of a folder. */
export function parseDirObject(content: Uint8Array, uri: string): z.output<typeof listing> {
  try {
    return listing.parse(JSON.parse(Buffer.from(content).toString('utf8')));
  } catch (cause) {
    throw new FurrowError('DATA_BAD_INPUT', `${uri} does not list a folder as DVC does`, { details: { uri }, cause });
  }
}
