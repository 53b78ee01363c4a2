/** A DVC repository's own files: as they are on disk, or as git has them at a revision. */
import { execFile } from 'node:child_process';
import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, posix, relative, resolve, sep } from 'node:path';
import { promisify } from 'node:util';
import { FurrowError } from '../../../../contract/errors.ts';
import { type DvcConfig, parseDvcConfig } from './config.ts';
import { type DvcOutput, parseDvcFile, parseDvcLock, stagesName } from './outputs.ts';

const run = promisify(execFile);

/** Files that name outputs. */
const ofDvc = /(^|\/)(dvc\.lock|[^/]+\.dvc)$/;

export interface DvcRepository {
  /** The folder that holds `.dvc/`. */
  readonly root: string;
  readonly config: DvcConfig;
  /** Outputs with their paths relative to the root, with forward slashes. */
  readonly outputs: readonly DvcOutput[];
  /** What was asked for, relative to the root: one `.dvc` file, or all below a folder (empty for the root). */
  readonly asked: { readonly file: string } | { readonly folder: string };
  /** The commit, where a revision was asked for. */
  readonly commit?: string;
}

/**
 * @param path a `.dvc` file, a `dvc.lock` or its `dvc.yaml`, or a folder in a DVC repository: then all that are below it; or the
 *   folder of git itself, as on a server: then all of a revision
 * @param rev a revision of git's; HEAD where there is no working copy
 * @throws FurrowError `SOURCE_NOT_FOUND`, `DATA_BAD_INPUT`
 */
export async function openDvcRepository(
  path: string,
  rev: string | undefined,
  signal: AbortSignal,
): Promise<DvcRepository> {
  const target = resolve(path).replace(/(?<=[/\\])dvc\.yaml$/, 'dvc.lock');
  const bare = await isGitDirectory(target);
  const root = bare ? target : await rootAbove(target);
  const below = relative(root, target).split(sep).join('/');
  const at = rev ?? (bare ? 'HEAD' : undefined);
  const git = at === undefined ? undefined : await revision({ root, rev: at, bare }, signal);
  const reader = git ?? onDisk(root);
  const files = ofDvc.test(below) ? [below] : (await reader.list(below)).filter((name) => ofDvc.test(name)).sort();
  const outputs: DvcOutput[] = [];
  for (const file of files) {
    const text = await reader.read(file);
    if (text === undefined) throw notFound(`There is no ${file}${rev === undefined ? '' : ` at ${rev}`}`, path);
    const found = file.endsWith('dvc.lock')
      ? parseDvcLock(text, file, await reader.read(stagesName(file)))
      : parseDvcFile(text, file);
    outputs.push(...found.map((out) => ({ ...out, path: posix.join(posix.dirname(file), out.path) })));
  }
  if (outputs.length === 0) throw notFound('There is nothing that DVC keeps', path);
  // Remotes as they were then, but what this machine says of them as it is now.
  const configs = [await reader.read('.dvc/config'), await onDisk(root).read('.dvc/config.local')];
  const config = parseDvcConfig(configs.filter((text) => text !== undefined));
  return { root, config, outputs, asked: asked(below), ...(git && { commit: git.commit }) };
}

function asked(below: string): DvcRepository['asked'] {
  if (below.endsWith('.dvc')) return { file: below };
  return { folder: ofDvc.test(below) ? posix.dirname(below).replace(/^\.$/, '') : below };
}

/** What git itself looks for, in a clone without a working copy or in `.git`. */
async function isGitDirectory(path: string): Promise<boolean> {
  const found = await Promise.all(
    ['HEAD', 'objects', 'refs'].map((name) => stat(join(path, name)).then(Boolean, () => false)),
  );
  return found.every(Boolean);
}

async function rootAbove(target: string): Promise<string> {
  for (let folder = target; ; folder = dirname(folder)) {
    const found = await stat(join(folder, '.dvc')).catch(() => undefined);
    if (found?.isDirectory()) return folder;
    if (dirname(folder) === folder) throw notFound('No DVC repository is around it (a folder `.dvc`)', target);
  }
}

interface Reader {
  /** Undefined for a file that is not there. */
  read(file: string): Promise<string | undefined>;
  /** Files below a folder, with their paths from the root. */
  list(below: string): Promise<readonly string[]>;
}

function onDisk(root: string): Reader {
  return {
    async read(file) {
      try {
        return await readFile(join(root, file), 'utf8');
      } catch (cause) {
        if (isNotThere(cause as NodeJS.ErrnoException)) return undefined;
        throw unreadable(file, cause as Error);
      }
    },
    list: (below) => walk(root, below),
  };
}

function isNotThere({ code }: NodeJS.ErrnoException): boolean {
  return code === 'ENOENT' || code === 'ENOTDIR';
}

function unreadable(path: string, cause: Error): FurrowError {
  return new FurrowError('SOURCE_UNAVAILABLE', `${path} cannot be read: ${cause.message}`, { cause });
}

/** Leaves out what can hold no file of DVC's: hidden folders, installed packages, and the data itself. */
async function walk(root: string, below: string): Promise<string[]> {
  const entries = await readdir(join(root, below), { withFileTypes: true }).catch((cause: NodeJS.ErrnoException) => {
    if (isNotThere(cause)) return [];
    throw unreadable(below, cause);
  });
  const names = new Set(entries.map(({ name }) => name));
  const files: string[] = [];
  for (const entry of entries) {
    const path = posix.join(below, entry.name);
    if (entry.isFile()) files.push(path);
    const passedOver = entry.name.startsWith('.') || ['node_modules', '__pycache__', 'venv'].includes(entry.name);
    if (entry.isDirectory() && !passedOver && !names.has(`${entry.name}.dvc`)) files.push(...(await walk(root, path)));
  }
  return files;
}

interface Revision extends Reader {
  readonly commit: string;
}

async function revision(
  { root, rev, bare }: { root: string; rev: string; bare: boolean },
  signal: AbortSignal,
): Promise<Revision> {
  const git = async (...args: string[]) => (await run('git', ['-C', root, ...args], { ...gitOptions, signal })).stdout;
  const commit = await git('rev-parse', '--verify', '--end-of-options', `${rev}^{commit}`).catch((cause) => {
    signal.throwIfAborted();
    const what =
      cause.code === 'ENOENT' ? 'git is not installed here, and' : `git knows no revision \`${rev}\` there, or`;
    const reason = String(cause.stderr ?? cause.message)
      .trim()
      .split('\n')[0];
    throw new FurrowError('SOURCE_NOT_FOUND', `${what} cannot be asked: ${reason}`, { details: { rev }, cause });
  });
  const at = commit.trim();
  // From the repository of DVC, which may lie below the one of git.
  const [here, from] = bare ? [[], ''] : [['.'], './'];
  const files = (await git('ls-tree', '-r', '-z', '--name-only', at, ...here)).split('\0').filter(Boolean);
  const known = new Set(files);
  return {
    commit: at,
    read: async (file) => (known.has(file) ? git('show', `${at}:${from}${file}`) : undefined),
    list: async (below) => files.filter((file) => below === '' || file.startsWith(`${below}/`)),
  };
}

const gitOptions = { maxBuffer: 2 ** 28, timeout: 60_000, env: { ...process.env, GIT_TERMINAL_PROMPT: '0' } };

function notFound(what: string, path: string): FurrowError {
  return new FurrowError('SOURCE_NOT_FOUND', `${what}: ${path}`, { details: { path } });
}
