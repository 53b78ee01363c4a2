/** A DVC repository's own files: as they are on disk, or as git has them at a revision. */
import { execFile } from 'node:child_process';
import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, posix, relative, resolve, sep } from 'node:path';
import { promisify } from 'node:util';
import { FurrowError } from '../../../../contract/errors.ts';
import { type DvcConfig, parseDvcConfig } from './config.ts';
import { type DvcOutput, parseDvcFile, parseDvcLock } from './outputs.ts';

const run = promisify(execFile);

/** Files that name outputs. */
const ofDvc = /(^|\/)(dvc\.lock|[^/]+\.dvc)$/;

export interface DvcRepository {
  /** The folder that holds `.dvc/`. */
  readonly root: string;
  readonly config: DvcConfig;
  /** Outputs with their paths relative to the root, with forward slashes. */
  readonly outputs: readonly DvcOutput[];
  /** The folder that was asked for, relative to the root; empty for the root. */
  readonly below: string;
  /** The commit, where a revision was asked for. */
  readonly commit?: string;
}

/**
 * @param path a `.dvc` file, a `dvc.lock`, or a folder in a DVC repository: then all that are below it
 * @param rev a revision of git's
 * @throws FurrowError `SOURCE_NOT_FOUND`, `DATA_BAD_INPUT`
 */
export async function openDvcRepository(path: string, rev: string | undefined): Promise<DvcRepository> {
  const target = resolve(path);
  const root = await rootAbove(target);
  const below = relative(root, target).split(sep).join('/');
  const commit = rev === undefined ? undefined : await commitOf(root, rev);
  const read = commit === undefined ? onDisk(root) : inGit(root, commit);
  const configs = await Promise.all(['.dvc/config', '.dvc/config.local'].map((file) => onDisk(root).read(file)));
  // Remotes as they were then, but what this machine says of them as it is now.
  const shared = commit === undefined ? configs[0] : await read.read('.dvc/config');
  const isFile = ofDvc.test(below);
  const files = isFile ? [below] : (await read.list()).filter((file) => below === '' || file.startsWith(`${below}/`));
  const outputs: DvcOutput[] = [];
  for (const file of files.filter((name) => ofDvc.test(name)).sort()) {
    const text = await read.read(file);
    if (text === undefined) throw notFound(`There is no ${file}${rev === undefined ? '' : ` at ${rev}`}`, path);
    const parse = file.endsWith('dvc.lock') ? parseDvcLock : parseDvcFile;
    outputs.push(...parse(text, file).map((out) => ({ ...out, path: posix.join(posix.dirname(file), out.path) })));
  }
  if (outputs.length === 0) throw notFound('There is nothing under DVC', path);
  const texts = [shared, configs[1]].filter((text) => text !== undefined);
  const folder = isFile ? posix.dirname(below).replace(/^\.$/, '') : below;
  return { root, below: folder, config: parseDvcConfig(texts), outputs, ...(commit !== undefined && { commit }) };
}

async function rootAbove(target: string): Promise<string> {
  for (let folder = target; ; folder = dirname(folder)) {
    const found = await stat(join(folder, '.dvc')).catch(() => undefined);
    if (found?.isDirectory()) return folder;
    if (dirname(folder) === folder) throw notFound('No DVC repository is around it (a folder `.dvc`)', target);
  }
}

interface Reader {
  read(file: string): Promise<string | undefined>;
  list(): Promise<readonly string[]>;
}

function onDisk(root: string): Reader {
  return {
    read: (file) => readFile(join(root, file), 'utf8').catch(() => undefined),
    async list() {
      const entries = await readdir(root, { recursive: true, withFileTypes: true });
      return entries
        .filter((entry) => entry.isFile())
        .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
        .filter((file) => !/^(\.git|\.dvc)\//.test(file));
    },
  };
}

function inGit(root: string, commit: string): Reader {
  const git = async (...args: string[]) => (await run('git', ['-C', root, ...args], { maxBuffer: 2 ** 28 })).stdout;
  return {
    // `./`: from the repository of DVC, which may lie below the one of git.
    read: (file) => git('show', `${commit}:./${file}`).catch(() => undefined),
    list: async () => (await git('ls-tree', '-r', '-z', '--name-only', commit, '.')).split('\0').filter(Boolean),
  };
}

async function commitOf(root: string, rev: string): Promise<string> {
  try {
    const args = ['-C', root, 'rev-parse', '--verify', '--end-of-options', `${rev}^{commit}`];
    return (await run('git', args)).stdout.trim();
  } catch (cause) {
    throw new FurrowError('SOURCE_NOT_FOUND', `git knows no revision \`${rev}\` there`, { details: { rev }, cause });
  }
}

function notFound(what: string, path: string): FurrowError {
  return new FurrowError('SOURCE_NOT_FOUND', `${what}: ${path}`, { details: { path } });
}
