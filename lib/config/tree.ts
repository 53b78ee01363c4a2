import type { Json } from '../../contract/json.ts';

/** Where something was written. `line` and `column` from 1; 0 where it was not read from a file. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export type ConfigPath = readonly (string | number)[];

interface Written {
  readonly place: Place;
  /** The key that leads here, where there is one. */
  readonly keyPlace?: Place | undefined;
}

export interface MapNode extends Written {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<string, ConfigNode>;
}

export interface ListNode extends Written {
  readonly kind: 'list';
  readonly items: readonly ConfigNode[];
}

export interface ScalarNode extends Written {
  readonly kind: 'scalar';
  readonly value: null | boolean | number | string;
  /** Written without quotes, so that what replaces a whole `${NAME}` is typed like any plain scalar. */
  readonly plain: boolean;
}

/** A configuration with the place of every key and value. */
export type ConfigNode = MapNode | ListNode | ScalarNode;

export function toJson(node: ConfigNode): Json {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'list') return node.items.map(toJson);
  return Object.fromEntries([...node.entries].map(([key, entry]) => [key, toJson(entry)]));
}

/** `value` as a tree whose every part was written at `place`. */
export function nodeOf(value: Json, place: Place): ConfigNode {
  if (value === null || typeof value !== 'object')
    return { kind: 'scalar', value, plain: true, place, keyPlace: place };
  if (Array.isArray(value)) {
    return { kind: 'list', items: value.map((item: Json) => nodeOf(item, place)), place, keyPlace: place };
  }
  const entries = new Map(Object.entries(value).map(([key, entry]) => [key, nodeOf(entry, place)]));
  return { kind: 'map', entries, place, keyPlace: place };
}

export function childOf(node: ConfigNode, key: string | number): ConfigNode | undefined {
  if (node.kind === 'map') return node.entries.get(String(key));
  return node.kind === 'list' ? node.items[Number(key)] : undefined;
}

/** The place of `path`, or of the key that leads to the innermost part of it that was written. */
export function placeOf(root: ConfigNode, path: ConfigPath, at: 'key' | 'value'): Place {
  let node = root;
  for (const key of path) {
    const child = childOf(node, key);
    if (!child) return node.keyPlace ?? node.place;
    node = child;
  }
  return at === 'key' ? (node.keyPlace ?? node.place) : node.place;
}
