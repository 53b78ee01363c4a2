/** One entry of a layer. `path` is absolute inside the image, without the leading slash: `app/server.js`. */
export type LayerEntry = FileEntry | DirectoryEntry | LinkEntry;

export interface FileEntry {
  readonly kind: 'file';
  readonly path: string;
  /** Permission bits. */
  readonly mode: number;
  /** The bytes themselves, or a file on disk that holds them. */
  readonly content: Uint8Array | { readonly file: string };
}

export interface DirectoryEntry {
  readonly kind: 'directory';
  readonly path: string;
  readonly mode: number;
}

export interface LinkEntry {
  readonly kind: 'link';
  readonly path: string;
  readonly target: string;
}

export function textFile(path: string, text: string, mode = 0o644): FileEntry {
  return { kind: 'file', path, mode, content: new TextEncoder().encode(text) };
}

export function diskFile(path: string, file: string, mode = 0o644): FileEntry {
  return { kind: 'file', path, mode, content: { file } };
}

/**
 * The entries in the one order that a layer has: sorted by path, with the folders above each, once.
 *
 * @throws TypeError for a path that is not plain and relative, and for two entries of one path.
 */
export function arrange(entries: readonly LayerEntry[]): readonly LayerEntry[] {
  const byPath = new Map<string, LayerEntry>();
  for (const entry of entries) {
    if (
      entry.path.split('/').some((part) => part === '' || part === '.' || part === '..') ||
      entry.path.includes('\0')
    ) {
      throw new TypeError(`Expected a plain path without a leading slash, got \`${entry.path}\``);
    }
    if (byPath.has(entry.path)) throw new TypeError(`The layer has two entries ${entry.path}`);
    byPath.set(entry.path, entry);
  }
  for (const { path } of entries) {
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const above = path.slice(0, end);
      if (!byPath.has(above)) byPath.set(above, { kind: 'directory', path: above, mode: 0o755 });
    }
  }
  return [...byPath.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}
