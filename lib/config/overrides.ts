import { pipelineSchema, stageSchema } from '../../contract/config.ts';
import { FurrowError } from '../../contract/errors.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import { suggest } from '../../contract/suggest.ts';
import { deepestNesting } from './nesting.ts';
import { list, oneOf, type Problem, problemAt } from './problem.ts';
import { readYaml } from './readYaml.ts';
import { type ConfigNode, type ConfigPath, nodeOf, type Place, toJson } from './tree.ts';

/** The place of what was written on the command line. */
export const setPlace: Place = { file: '--set', line: 0, column: 0 };

/**
 * Reads `--set` arguments: `['convnet.epochs=3', 'features.bands=[green, nir]']`. Values are YAML, so `3` is a number and `'3'` text.
 *
 * @throws FurrowError `CONFIG_INVALID` for an argument without `=`, or with a value that is not YAML.
 */
export function parseSet(assignments: readonly string[]): JsonObject {
  return Object.fromEntries(
    assignments.map((assignment) => {
      const equals = assignment.indexOf('=');
      const path = assignment.slice(0, equals).trim();
      if (equals < 0 || path === '') throw invalid(`Expected \`path=value\` behind --set, got \`${assignment}\``);
      return [path, parseValue(path, assignment.slice(equals + 1))];
    }),
  );
}

/** Puts values over those of a pipeline: by full path, or as `STAGE.parameter` for `stages.STAGE.with.parameter`. */
export function applySet(
  root: ConfigNode,
  set: Readonly<Record<string, Json>>,
): { root: ConfigNode; problems: Problem[] } {
  const problems: Problem[] = [];
  let changed = root;
  for (const [written, value] of Object.entries(set)) {
    const path = fullPath(changed, written);
    const flaw = Array.isArray(path) ? undefined : path;
    if (flaw) problems.push(problemAt(setPlace, [written], flaw));
    else changed = withValue(changed, path as ConfigPath, nodeOf(value, setPlace));
  }
  return { root: changed, problems };
}

interface UnknownPath {
  readonly message: string;
  readonly expected?: string | undefined;
  readonly nearest?: string | undefined;
}

/** Whether the parameters at the end of a path exist is for the stage's schema to say, later. */
function fullPath(root: ConfigNode, written: string): string[] | UnknownPath {
  const parts = written.split('.');
  const [first = '', second, ...rest] = parts;
  if (parts.length > deepestNesting || parts.includes('') || parts.includes('__proto__'))
    return { message: `\`${written}\` is not a path` };
  const stages = root.kind === 'map' ? root.entries.get('stages') : undefined;
  const names = stages?.kind === 'map' ? [...stages.entries.keys()] : [];
  if (first === 'stages' && second !== undefined) {
    if (!names.includes(second)) return unknownStage(second, names, (name) => ['stages', name, ...rest].join('.'));
    const [field, ...below] = rest;
    const fields = Object.keys(stageSchema.shape);
    if (field === undefined || fields.includes(field)) return parts;
    const nearest = suggest(field, fields);
    const whole = nearest ?? 'with';
    return {
      message: `A stage has no \`${field}\``,
      expected: oneOf(fields),
      nearest: ['stages', second, ...(nearest ? [whole, ...below] : [whole, field, ...below])].join('.'),
    };
  }
  const keys = Object.keys(pipelineSchema.shape);
  if (second === undefined) {
    if (keys.includes(first)) return parts;
    return { message: `A pipeline has no \`${first}\``, expected: oneOf(keys), nearest: suggest(first, keys) };
  }
  if (names.includes(first)) return ['stages', first, 'with', second, ...rest];
  return unknownStage(first, names, (name) => [name, second, ...rest].join('.'));
}

function unknownStage(name: string, names: readonly string[], pathOf: (stage: string) => string): UnknownPath {
  const nearest = suggest(name, names);
  return {
    message: `The pipeline has no stage \`${name}\``,
    expected: names.length > 0 ? `one of the stages ${list(names)}` : undefined,
    nearest: nearest === undefined ? undefined : pathOf(nearest),
  };
}

/** A copy of `node` with `leaf` at `path`. What is on the way and can hold no keys gives way to a mapping. */
function withValue(node: ConfigNode | undefined, path: ConfigPath, leaf: ConfigNode): ConfigNode {
  const [key, ...rest] = path;
  if (key === undefined)
    return node ? { ...leaf, keyPlace: node.keyPlace === undefined ? leaf.keyPlace : setPlace } : leaf;
  const index = Number(key);
  if (node?.kind === 'list' && Number.isInteger(index) && index >= 0 && index <= node.items.length) {
    const items = [...node.items];
    items[index] = withValue(items[index], rest, leaf);
    return { ...node, items };
  }
  const entries = node?.kind === 'map' ? new Map(node.entries) : new Map<string, ConfigNode>();
  entries.set(String(key), withValue(entries.get(String(key)), rest, leaf));
  if (node?.kind === 'map') return { ...node, entries };
  return { kind: 'map', entries, place: setPlace, keyPlace: setPlace };
}

function parseValue(path: string, text: string): Json {
  if (text.trim() === '') return null;
  const { root, problems } = readYaml(text, '--set');
  const [problem] = problems;
  if (!root || problem) throw invalid(`The value behind --set ${path} cannot be read: ${problem?.message}`);
  return toJson(root);
}

function invalid(message: string): FurrowError {
  return new FurrowError('CONFIG_INVALID', message);
}
