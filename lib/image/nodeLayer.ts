import { realpath } from 'node:fs/promises';
import { diskFile, type LayerEntry, textFile } from './entry.ts';
import { libraryClosure, type SharedLibrary } from './libraries.ts';
import { refuseOffLinux } from './linuxParts.ts';

/** Distroless' number for a user without rights, free in every distribution. */
export const userId = 65532;

export interface NodeLayer {
  readonly arch: string;
  readonly entries: readonly LayerEntry[];
  /** Folders that the loader must be told of: none, where all libraries lie in the system's own. */
  readonly libraryPath: readonly string[];
}

/**
 * The running Node with the libraries that it needs, and what a program expects of a system: a user, a folder for temporary files.
 * Nothing else of the machine: no shell, no package manager, no certificates, for the server calls nobody.
 *
 * @throws FurrowError `IMAGE_BASE_INVALID` where that is no Linux, `SETUP_INCOMPLETE`
 */
export async function nodeLayer(execPath = process.execPath): Promise<NodeLayer> {
  refuseOffLinux({ hasBase: false });
  const { arch, interpreter, libraries } = await libraryClosure(execPath);
  return {
    arch,
    libraryPath: [...new Set(libraries.map(({ folder }) => folder).filter((folder) => !isSystemFolder(folder)))],
    entries: [
      diskFile('usr/local/bin/node', await realpath(execPath), 0o755),
      ...(interpreter ? [diskFile(interpreter.slice(1), await realpath(interpreter), 0o755)] : []),
      ...libraries.map(libraryEntry),
      textFile('etc/passwd', `root:x:0:0:root:/:/sbin/nologin\nfurrow:x:${userId}:${userId}:furrow:/:/sbin/nologin\n`),
      textFile('etc/group', `root:x:0:\nfurrow:x:${userId}:\n`),
      { kind: 'directory', path: 'tmp', mode: 0o1777 },
    ],
  };
}

/** A library where the loader looks for it; the links that a distribution has around it are left out. */
export function libraryEntry({ name, folder, file }: SharedLibrary): LayerEntry {
  return diskFile(`${folder.slice(1)}/${name}`, file, 0o755);
}

/** Built into glibc's loader, which comes from the same distribution. */
export function isSystemFolder(folder: string): boolean {
  return /^\/(usr\/)?lib(64)?(\/[a-z0-9_]+-linux-gnu)?$/.test(folder);
}
