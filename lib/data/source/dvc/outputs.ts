/** What a `.dvc` file or a `dvc.lock` says of the contents that DVC keeps elsewhere. */
import { posix } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { FurrowError } from '../../../../contract/errors.ts';

const md5 = z.string().regex(/^[0-9a-f]{32}(\.dir)?$/);
/** By remote: which generation of the object it was pushed as. */
const cloud = z.record(z.string(), z.object({ version_id: z.string().nullish() }));

/** Where an output's contents are, if not in the default remote: in another one, or in none. */
const kept = z.object({ remote: z.string().optional(), cache: z.boolean().optional(), push: z.boolean().optional() });

const output = kept.extend({
  path: z.string().min(1),
  md5: md5.optional(),
  size: z.int().min(0).optional(),
  hash: z.literal('md5').optional(),
  cloud: cloud.optional(),
  files: z
    .array(z.object({ relpath: z.string().min(1), md5, size: z.int().min(0).optional(), cloud: cloud.optional() }))
    .optional(),
});

/** One file or folder under DVC. */
export type DvcOutput = z.output<typeof output>;

const dvcFile = z.object({ outs: z.array(output).min(1), wdir: z.string().nullish() });

/** Version 2 of the schema, the one since DVC 1.0. */
const lockFile = z.object({
  schema: z.literal('2.0'),
  stages: z.record(z.string(), z.object({ outs: z.array(output).nullish() })).nullish(),
});

const defined = z.array(z.union([z.string(), z.record(z.string(), kept.nullish())])).nullish();
const definition = z.object({ wdir: z.string().nullish(), outs: defined, metrics: defined, plots: defined });
/** A stage is one of these, or a pattern of many with `do:`. */
const stagesFile = z.object({
  stages: z.record(z.string(), z.union([z.object({ do: definition }), definition])).nullish(),
});

/**
 * The outputs of a `.dvc` file that lie in a remote, with paths relative to its folder.
 *
 * @param file as a person knows it, for messages
 * @throws FurrowError `DATA_BAD_INPUT` for what is no such file, or of a version that is not known
 */
export function parseDvcFile(text: string, file: string): readonly DvcOutput[] {
  const { outs, wdir } = parsed(text, file, dvcFile);
  return inRemote(outs.map((out) => within(wdir, out, file)));
}

/**
 * The outputs of a `dvc.lock` that lie in a remote, with paths relative to its folder.
 *
 * @param stages the `dvc.yaml` beside it, which says where its stages work and what they do not keep
 */
export function parseDvcLock(text: string, file: string, stages: string | undefined): readonly DvcOutput[] {
  const definitions = stages === undefined ? {} : (parsed(stages, stagesName(file), stagesFile).stages ?? {});
  return Object.entries(parsed(text, file, lockFile).stages ?? {}).flatMap(([name, { outs }]) => {
    // A stage of many is called NAME@ITEM.
    const found = definitions[name] ?? definitions[name.replace(/@.*$/s, '')];
    const stage = found && ('do' in found ? found.do : found);
    const said = [stage?.outs, stage?.metrics, stage?.plots].flatMap((list) => (list ?? []).flatMap(named));
    // A name as it stands is meant before one with variables; what such a one may mean is not said of data that another names.
    const saidOf = (path: string) =>
      (said.find((entry) => entry.name === path) ?? said.find(({ pattern }) => pattern?.test(path)))?.kept;
    return inRemote((outs ?? []).map((out) => within(stage?.wdir, { ...out, ...saidOf(out.path) }, file)));
  });
}

export function stagesName(lock: string): string {
  return lock.replace(/dvc\.lock$/, 'dvc.yaml');
}

function named(entry: string | Record<string, z.output<typeof kept> | null | undefined>) {
  const entries = typeof entry === 'string' ? [[entry, {}] as const] : Object.entries(entry);
  return entries.map(([path, said]) => {
    // Variables stand for something that the lock file has filled in.
    const parts = path.split(/\$\{[^}]*\}/).map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
    // One that is nothing but variables could be any.
    const pattern =
      parts.length > 1 && parts.some((part) => /\w/.test(part)) ? new RegExp(`^${parts.join('.+')}$`) : undefined;
    return { name: path, pattern, kept: said ?? {} };
  });
}

/** What is in git, or is not pushed, has no contents to fetch. */
function inRemote(outs: readonly DvcOutput[]): readonly DvcOutput[] {
  return outs.filter(({ cache, push }) => cache !== false && push !== false);
}

function within(wdir: string | null | undefined, out: DvcOutput, file: string): DvcOutput {
  const path = posix.join(wdir ?? '.', out.path);
  if (!/\$\{|^\/|^[a-z][a-z0-9+.-]*:/i.test(path) && !posix.isAbsolute(out.path)) return { ...out, path };
  const where = path.includes('${') ? 'in a folder that a variable names' : 'outside the repository';
  throw new FurrowError('DATA_BAD_INPUT', `${file}: ${out.path} lies ${where}, which is not read`, {
    details: { file },
  });
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
