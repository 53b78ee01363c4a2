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
  /** Undefined when there is none. */
  stat(name: string): Promise<ObjectState | undefined>;
  /** Says that the object is in use again: `at` is now, and the version another. False when there is none. */
  touch(name: string): Promise<boolean>;
  /** The names of the objects below `prefix` (ends with a slash), sorted. */
  list(prefix: string): Promise<readonly string[]>;
  /** As {@link list}, with what `stat` says of each. */
  entries(prefix: string): Promise<readonly ObjectEntry[]>;
  /**
   * Removes an object; no error when it is gone already.
   *
   * @param version removes that one alone, and leaves what was made or touched since
   * @returns whether it was there, and is gone
   */
  remove(name: string, version?: string): Promise<boolean>;

  readPointer(name: string): Promise<PointerState | undefined>;
  /**
   * Sets a pointer from version `expected` (undefined: it must not be there) to `text`.
   *
   * @throws FurrowError `STORE_CONFLICT` when the pointer is at another version.
   */
  swapPointer(name: string, text: string, expected: string | undefined): Promise<string>;
  /** The names of the pointers below `prefix` (ends with a slash), sorted. */
  listPointers(prefix: string): Promise<readonly string[]>;
  /** As {@link listPointers}, with version, time of the last change and size of each. */
  pointerEntries(prefix: string): Promise<readonly ObjectEntry[]>;
  /** Removes a pointer that is at `version`. False when it is not any more. */
  removePointer(name: string, version: string): Promise<boolean>;
  /**
   * What only this kind of store leaves behind: unfinished writes, values that pointers once had.
   *
   * @param before milliseconds since 1970: what is younger may be in use
   * @param remove false to count alone
   */
  sweep(before: number, remove: boolean): Promise<Swept>;
}

/** `at` in milliseconds since 1970: written, or touched last, by the clock of the store. */
export interface ObjectState {
  readonly bytes: number;
  readonly at: number;
  /** Says which writing of the name it is: another one when it was removed and made again, or touched. */
  readonly version: string;
}

export interface ObjectEntry extends ObjectState {
  readonly name: string;
}

export interface Swept {
  readonly count: number;
  readonly bytes: number;
}

export type Content = Uint8Array | AsyncIterable<Uint8Array>;

export interface PointerState {
  readonly text: string;
  /** When it was set, in milliseconds since 1970. */
  readonly at: number;
  /** Opaque; a generation on GCS, a count on disk. */
  readonly version: string;
}
