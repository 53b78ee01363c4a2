/**
 * What an artifact store needs of the place where it lies. Two kinds of names: objects, which are written once and never change,
 * and pointers, which change by compare-and-set. Names are relative, with forward slashes, of `[A-Za-z0-9._-]` segments.
 */
export interface StoreDriver {
  /** Where a person finds the store: `file:///…`, `gs://bucket/prefix`. */
  readonly uri: string;
  /** Where a person finds one object. */
  uriOf(name: string): string;

  /** Writes an object whole or not at all. `exists` when the name is taken, whatever it holds: the first writer wins. */
  create(name: string, content: Content): Promise<'created' | 'exists'>;
  /** The object's bytes, or undefined when there is none. */
  open(name: string): Promise<AsyncIterable<Uint8Array> | undefined>;
  /** The whole object, for what is small; undefined when there is none. */
  read(name: string): Promise<Uint8Array | undefined>;
  /** The object's size in bytes, or undefined when there is none. */
  size(name: string): Promise<number | undefined>;
  /** The names of the objects below `prefix` (ends with a slash), sorted. */
  list(prefix: string): Promise<readonly string[]>;
  /** Says which writing of the name it is: another one when the object was removed and made again. Undefined when there is none. */
  version(name: string): Promise<string | undefined>;
  /**
   * Removes an object; no error when it is gone already.
   *
   * @param version removes that one alone, and leaves what was made since
   */
  remove(name: string, version?: string): Promise<void>;

  readPointer(name: string): Promise<PointerState | undefined>;
  /**
   * Sets a pointer from version `expected` (undefined: it must not be there) to `text`.
   *
   * @throws FurrowError `STORE_CONFLICT` when the pointer is at another version.
   */
  swapPointer(name: string, text: string, expected: string | undefined): Promise<string>;
  /** The names of the pointers below `prefix` (ends with a slash), sorted. */
  listPointers(prefix: string): Promise<readonly string[]>;
}

export type Content = Uint8Array | AsyncIterable<Uint8Array>;

export interface PointerState {
  readonly text: string;
  /** Opaque; a generation on GCS, a count on disk. */
  readonly version: string;
}
