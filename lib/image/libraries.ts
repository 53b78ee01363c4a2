import { readdir, readFile, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { FurrowError } from '../../contract/errors.ts';
import { readElf } from './elf.ts';

/** A shared library as a program will look for it: under its name, wherever the real file lies. */
export interface SharedLibrary {
  /** `libstdc++.so.6` */
  readonly name: string;
  /** The folder that the loader finds it in: `/lib/x86_64-linux-gnu`. */
  readonly folder: string;
  /** The file behind all links. */
  readonly file: string;
}

/** A program or library with all that it needs to start. */
export interface Closure {
  readonly arch: string;
  /** Where the kernel looks for the loader, of programs only. */
  readonly interpreter: string | undefined;
  /** Sorted by name, without the loader. */
  readonly libraries: readonly SharedLibrary[];
}

/**
 * Follows DT_NEEDED from `file` until nothing is missing, in the order of ld.so(8): the file's own search path, then the system's
 * folders. `LD_LIBRARY_PATH` is left out: an image must not depend on the environment that it was built in.
 *
 * @throws FurrowError `SETUP_INCOMPLETE` when a library is not there.
 */
export async function libraryClosure(file: string): Promise<Closure> {
  const top = await readElf(file);
  const found = new Map<string, SharedLibrary>();
  const folders = await systemFolders();
  const visit = async (path: string): Promise<void> => {
    const { needed, searchPath } = await readElf(path);
    const own = searchPath.map((folder) => folder.replace(/\$ORIGIN|\$\{ORIGIN\}/, dirname(path)));
    for (const name of needed) {
      if (found.has(name) || isLoader(name)) continue;
      const library = await find(name, [...own, ...folders], top.arch);
      if (!library) {
        throw new FurrowError('SETUP_INCOMPLETE', `${basename(path)} needs ${name}, which is nowhere on this machine`);
      }
      found.set(name, library);
      await visit(library.file);
    }
  };
  await visit(file);
  return {
    arch: top.arch,
    interpreter: top.interpreter,
    libraries: [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

/** glibc lists its own loader among what libc needs. */
function isLoader(name: string): boolean {
  return /^ld-linux.*\.so/.test(name);
}

async function find(name: string, folders: readonly string[], arch: string): Promise<SharedLibrary | undefined> {
  for (const folder of folders) {
    const file = await realpath(join(folder, name)).catch(() => undefined);
    // A machine with several architectures has the same name for each.
    if (file && (await readElf(file).catch(() => undefined))?.arch === arch) {
      return { name, folder: join(folder), file };
    }
  }
  return undefined;
}

/** What the loader is told in /etc/ld.so.conf, then the folders that are built into it. */
async function systemFolders(): Promise<string[]> {
  const triplet = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' }[process.arch as string];
  const builtIn = [
    ...(triplet ? [`/lib/${triplet}`, `/usr/lib/${triplet}`] : []),
    '/lib64',
    '/usr/lib64',
    '/lib',
    '/usr/lib',
  ];
  return [...new Set([...builtIn, ...(await foldersIn('/etc/ld.so.conf'))])];
}

async function foldersIn(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const folders: string[] = [];
  for (const line of text.split('\n').map((raw) => raw.replace(/#.*/, '').trim())) {
    const included = line.match(/^include\s+(.+)$/)?.[1];
    if (included) folders.push(...(await includedFolders(included)));
    else if (line.startsWith('/')) folders.push(line);
  }
  return folders;
}

/** `include /etc/ld.so.conf.d/*.conf`, the only form in use. */
async function includedFolders(pattern: string): Promise<string[]> {
  const folder = dirname(pattern);
  const suffix = basename(pattern).replace('*', '');
  const names = await readdir(folder).catch(() => []);
  const files = names.filter((name) => name.endsWith(suffix)).sort();
  return (await Promise.all(files.map((name) => foldersIn(join(folder, name))))).flat();
}
