import { existsSync, readFileSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { loadContracts } from '../activities/attempt/catalog.ts';
import type { ResolvedPipeline } from '../contract/config.ts';
import { FurrowError } from '../contract/errors.ts';
import type { Json } from '../contract/json.ts';
import { type ConfigContent, defaultConfig } from '../contract/messages.ts';
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
): Promise<ReadPipeline> {
  const path = findFile(file ?? defaultConfig);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new FurrowError('CONFIG_NOT_FOUND', `${file ?? defaultConfig} cannot be read`, { cause });
  }
  const env = namedVariables(text, process.env);
  const content: ConfigContent = { file: file ?? defaultConfig, text, baseFolder: process.cwd(), env };
  const outcome = parsePipeline({ text, file: content.file, set, env: process.env, contracts: await loadContracts() });
  return { content, outcome };
}

/** Every problem on a line of its own: `file:line:column path: what is wrong`. */
export function tellProblems({ file }: ConfigContent, problems: readonly Problem[], output: Output): number {
  output.answer({ file, valid: false, problems }, () => [
    ...problems.map(formatProblem),
    problems.length === 1 ? '1 problem' : `${problems.length} problems`,
  ]);
  return exitCodes.usage;
}

/** As given, or of the configs that come with the product. */
function findFile(file: string): string {
  const own = resolve(file);
  if (existsSync(own) || isAbsolute(file)) return own;
  const shipped = join(productRoot, file);
  return existsSync(shipped) ? shipped : own;
}

/** Only what the file names travels to the worker, and never what looks like a secret: the parser has refused that. */
function namedVariables(text: string, env: NodeJS.ProcessEnv): Record<string, string> {
  const names = new Set(
    [...text.matchAll(/\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-|\})/g)].map((match) => match[1] as string),
  );
  return Object.fromEntries([...names].flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}
