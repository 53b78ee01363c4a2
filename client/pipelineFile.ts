import { existsSync, readFileSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { loadContracts } from '../activities/attempt/catalog.ts';
import type { ResolvedPipeline } from '../contract/config.ts';
import { FurrowError } from '../contract/errors.ts';
import type { Json } from '../contract/json.ts';
import { type ConfigContent, defaultConfig } from '../contract/messages.ts';
import { commitOf } from '../lib/code/commit.ts';
import { productRoot } from '../lib/code/root.ts';
import { parsePipeline } from '../lib/config/parsePipeline.ts';
import { formatProblem, type Problem } from '../lib/config/problem.ts';
import { exitCodes, type Output } from './output.ts';

export interface ReadPipeline {
  readonly content: ConfigContent;
  readonly outcome:
    | { readonly ok: true; readonly pipeline: ResolvedPipeline }
    | { readonly ok: false; readonly problems: readonly Problem[] };
}

/** Reads and checks a pipeline file as this shell sees it: paths from this folder, variables from this environment. */
export async function readPipeline(
  file: string | undefined,
  set: Readonly<Record<string, Json>>,
  edit: (text: string) => string = (text) => text,
): Promise<ReadPipeline> {
  const path = findFile(file ?? defaultConfig);
  let text: string;
  try {
    text = edit(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new FurrowError('CONFIG_NOT_FOUND', `${file ?? defaultConfig} cannot be read`, { cause });
  }
  const { env, read } = recording(process.env);
  const name = file ?? defaultConfig;
  const outcome = parsePipeline({ text, file: name, set, env, contracts: await loadContracts() });
  const commit = commitOf(dirname(path));
  const content = { file: name, text, baseFolder: process.cwd(), env: read, ...(commit && { commit }) };
  return { content, outcome };
}

/** Every problem on a line of its own: `file:line:column path: what is wrong`. */
export function tellProblems({ file }: ConfigContent, problems: readonly Problem[], output: Output): number {
  output.answer({ file, valid: false, problems }, () => problemLines(problems));
  return exitCodes.usage;
}

export function problemLines(problems: readonly Problem[]): string[] {
  return [...problems.map(formatProblem), problems.length === 1 ? '1 problem' : `${problems.length} problems`];
}

/** As given, or of the configs that come with the product. */
function findFile(file: string): string {
  const own = resolve(file);
  if (existsSync(own) || isAbsolute(file)) return own;
  const shipped = join(productRoot, file);
  return existsSync(shipped) ? shipped : own;
}

/**
 * The environment, and what was read of it. Exactly that travels to the worker and into history: the parser reads no name that
 * looks like a secret, and nothing that a comment or an escape only mentions.
 */
function recording(environment: NodeJS.ProcessEnv) {
  const read: Record<string, string> = {};
  const env = new Proxy(
    { ...environment },
    {
      get(target, name) {
        const value = typeof name === 'string' ? target[name] : undefined;
        if (typeof name === 'string' && value !== undefined) read[name] = value;
        return value;
      },
    },
  );
  return { env, read };
}
