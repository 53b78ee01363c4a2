import { type Document, isAlias, isMap, isScalar, isSeq, type Node, type Pair, parseDocument } from 'yaml';
import { linePlaces } from './linePlaces.ts';
import { deepestNesting, tooDeepAt } from './nesting.ts';
import { type Problem, problemAt } from './problem.ts';
import type { ConfigNode, ConfigPath, ListNode, MapNode, Place } from './tree.ts';

/** A pipeline of 500 stages is a tenth of this; what is larger is not a pipeline. */
export const largestFile = 1024 * 1024;

/** Values after aliases are expanded: a file that stays below is read in a moment, an alias bomb does not stay below. */
const mostValues = 100_000;
/** One slip makes the parser stumble on for a while; the first few say it all. */
const mostSyntaxErrors = 20;

/**
 * Reads YAML 1.2 (core schema, with anchors, aliases and merge keys) into a tree that knows its places. Never throws; without a
 * `root` nothing can be said of the content.
 */
export function readYaml(text: string, file: string): { root?: ConfigNode; problems: readonly Problem[] } {
  const top: Place = { file, line: 1, column: 1 };
  const bytes = Buffer.byteLength(text);
  if (bytes > largestFile) {
    const message = `The file is too large: got ${bytes} bytes`;
    return { problems: [problemAt(top, [], { message, expected: `at most ${largestFile}` })] };
  }
  const parsable = mask(text);
  const placeAt = linePlaces(text, file);
  const tooDeep = tooDeepAt(parsable);
  if (tooDeep !== undefined) {
    return {
      problems: [
        problemAt(placeAt(tooDeep), [], { message: `The file is nested more than ${deepestNesting} levels deep` }),
      ],
    };
  }
  const reader = new TreeReader(placeAt);
  const document = parseDocument(parsable, {
    version: '1.2',
    schema: 'core',
    uniqueKeys: false, // checked by TreeReader: the library compares every key with every other
    prettyErrors: false,
  });
  const root = reader.read(document);
  return root ? { root, problems: reader.problems } : { problems: reader.problems };
}

/**
 * `{ epochs: ${EPOCHS:-20} }` should be what it looks like, but braces, brackets and commas end a plain scalar between braces.
 * So inside `${…}` they are replaced while YAML is parsed, one character for one, which keeps every position.
 */
const masked = { '{': '\uFDD0', '}': '\uFDD1', '[': '\uFDD2', ']': '\uFDD3', ',': '\uFDD4' } as const;
const unmasked: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(masked).map(([character, stand]) => [stand, character]),
);

function mask(text: string): string {
  return text.replace(/\$\{[^{}\n]*\}/g, (whole) =>
    whole.replace(/[{}[\],]/g, (c) => masked[c as keyof typeof masked]),
  );
}

function unmask(text: string): string {
  return text.replace(/[\uFDD0-\uFDD4]/g, (character) => unmasked[character] ?? character);
}

class TreeReader {
  readonly problems: Problem[] = [];
  readonly #placeAt: (offset: number) => Place;
  readonly #anchors = new Map<string, Node>();
  #depth = 0;
  #values = 0;
  #aliases = 0;

  constructor(placeAt: (offset: number) => Place) {
    this.#placeAt = placeAt;
  }

  read(document: Document.Parsed): ConfigNode | undefined {
    const errors = [...document.errors, ...document.warnings];
    for (const error of errors.slice(0, mostSyntaxErrors)) {
      this.#problem(this.#place(error.pos[0]), [], unmask(error.message.replace(/\s+/g, ' ')));
    }
    if (document.directives.yaml.explicit && document.directives.yaml.version !== '1.2') {
      this.#problem(this.#place(0), [], `Expected YAML 1.2, got ${document.directives.yaml.version}`);
    }
    if (this.problems.length > 0) return undefined;
    if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) {
      this.#problem(this.#place(0), [], 'The file is empty');
      return undefined;
    }
    return this.#node(document.contents, []);
  }

  /** Undefined when the reading was given up; the reason is among the problems. */
  #node(node: Node, path: ConfigPath, keyPlace?: Place): ConfigNode | undefined {
    this.#depth++;
    const read = this.#nodeAtDepth(node, path, keyPlace);
    this.#depth--;
    return read;
  }

  #nodeAtDepth(node: Node, path: ConfigPath, keyPlace?: Place): ConfigNode | undefined {
    const place = this.#place(node.range?.[0]);
    if (++this.#values > mostValues)
      return this.#giveUp(place, path, `The file expands to more than ${mostValues} values`);
    if (this.#depth > deepestNesting)
      return this.#giveUp(place, path, `The file is nested more than ${deepestNesting} levels deep`);
    if (isAlias(node)) {
      const target = this.#anchors.get(node.source);
      if (!target) return this.#flawed(place, path, `Unknown anchor \`${node.source}\``, keyPlace);
      this.#aliases++;
      const expanded = this.#node(target, path, keyPlace);
      this.#aliases--;
      return expanded;
    }
    // Inside an alias every anchor has been seen already, and may since have been given to another value.
    if (node.anchor && this.#aliases === 0) this.#anchors.set(node.anchor, node);
    if (isMap(node)) return this.#map(node.items, path, place, keyPlace);
    if (isSeq(node)) return this.#list(node.items as readonly (Node | null)[], path, place, keyPlace);
    if (isScalar(node)) return this.#scalar(node.value, node.type === 'PLAIN', path, place, keyPlace);
    return this.#flawed(place, path, 'Expected a mapping, a list or a value', keyPlace);
  }

  #map(items: readonly Pair[], path: ConfigPath, place: Place, keyPlace?: Place): MapNode | undefined {
    const entries = new Map<string, ConfigNode>();
    const merges: MapNode[] = [];
    for (const pair of items) {
      const at = this.#place((pair.key as Node | null)?.range?.[0]);
      const key = keyText(pair.key);
      if (key === undefined) {
        this.#problem(at, path, 'Expected a name as the key');
        continue;
      }
      const merging = key === '<<' && isScalar(pair.key) && pair.key.type === 'PLAIN';
      const value = pair.value as Node | null;
      const childPath = merging ? path : [...path, key];
      const child = value ? this.#node(value, childPath, at) : this.#scalar(null, true, childPath, at, at);
      if (!child) return undefined;
      if (merging) merges.push(...this.#mergeable(child, at, path));
      else if (key === '__proto__') this.#problem(at, childPath, 'The key `__proto__` is not allowed');
      else if (entries.has(key)) this.#problem(at, childPath, `The key \`${key}\` stands here twice`);
      else entries.set(key, child);
    }
    // What stands in the map itself wins, then the earlier of the maps merged into it.
    for (const merge of merges) {
      for (const [key, child] of merge.entries) if (!entries.has(key)) entries.set(key, child);
    }
    return { kind: 'map', entries, place, keyPlace };
  }

  #mergeable(node: ConfigNode, place: Place, path: ConfigPath): MapNode[] {
    const sources = node.kind === 'list' ? node.items : [node];
    const maps = sources.filter((source) => source.kind === 'map');
    if (maps.length < sources.length) this.#problem(place, path, 'Expected a mapping, or a list of them, behind `<<`');
    return maps;
  }

  #list(nodes: readonly (Node | null)[], path: ConfigPath, place: Place, keyPlace?: Place): ListNode | undefined {
    const items: ConfigNode[] = [];
    for (const [index, node] of nodes.entries()) {
      const item = node ? this.#node(node, [...path, index]) : this.#scalar(null, true, path, place);
      if (!item) return undefined;
      items.push(item);
    }
    return { kind: 'list', items, place, keyPlace };
  }

  #scalar(value: unknown, plain: boolean, path: ConfigPath, place: Place, keyPlace?: Place): ConfigNode {
    if (typeof value === 'string') return { kind: 'scalar', value: unmask(value), plain, place, keyPlace };
    if (typeof value === 'number' && !Number.isFinite(value)) {
      return this.#flawed(place, path, `Expected a finite number, got \`${value}\``, keyPlace);
    }
    if (value === null || typeof value === 'boolean' || typeof value === 'number') {
      return { kind: 'scalar', value, plain, place, keyPlace };
    }
    return this.#flawed(place, path, `Expected a JSON value, got a ${typeof value}`, keyPlace);
  }

  /** Notes the problem and goes on, with null in its place. */
  #flawed(place: Place, path: ConfigPath, message: string, keyPlace?: Place): ConfigNode {
    this.#problem(place, path, message);
    return { kind: 'scalar', value: null, plain: true, place, keyPlace };
  }

  #giveUp(place: Place, path: ConfigPath, message: string): undefined {
    this.#problem(place, path.slice(0, 5), message);
  }

  #problem(place: Place, path: ConfigPath, message: string): void {
    this.problems.push(problemAt(place, path, { message }));
  }

  #place(offset: number | undefined): Place {
    return this.#placeAt(offset ?? 0);
  }
}

/** Keys are text: `1:` is the key `1`. */
function keyText(key: unknown): string | undefined {
  if (!isScalar(key) || key.value === null) return undefined;
  return unmask(typeof key.value === 'string' ? key.value : (key.source ?? String(key.value)));
}
