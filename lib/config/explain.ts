import { z } from 'zod';
import { suggest } from '../../contract/suggest.ts';
import { describe, got } from './describe.ts';
import { discriminatorOf, isMapping, literalsOf, matchingOption, optionsOf, unwrap } from './options.ts';
import { type Flaw, oneOf } from './problem.ts';
import type { ConfigPath } from './tree.ts';

/** What is wrong with `value`, in words. Of a union, only the option that `value` was meant for is spoken of. */
export function explain(schema: z.ZodType, value: unknown, path: ConfigPath = []): Flaw[] {
  const parsed = schema.safeParse(value);
  if (parsed.success) return [];
  return parsed.error.issues.flatMap((issue) => explainIssue(issue, schema, value, path));
}

function explainIssue(issue: z.core.$ZodIssue, root: z.ZodType, rootValue: unknown, base: ConfigPath): Flaw[] {
  const path = [...base, ...issue.path.map((key) => (typeof key === 'symbol' ? String(key) : key))];
  if (issue.code === 'invalid_key') {
    const message = `${issue.issues[0]?.message ?? 'Unknown name'}, got \`${String(path.at(-1))}\``;
    return [{ path, at: 'key', message }];
  }
  const value = issue.path.reduce<unknown>((inner, key) => memberOf(inner, key), rootValue);
  const schema = issue.path.reduce<Position>(stepInto, { schema: root, value: rootValue }).schema;
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(key, path, keysOf(schema, value)));
  if (issue.code !== 'invalid_union') return [mismatch(issue.message, schema, value, path)];
  // A discriminator's issue points at the key, below the union it is about.
  const ofKey =
    'discriminator' in issue && issue.discriminator !== undefined && issue.path.at(-1) === issue.discriminator;
  if (!ofKey) return schema ? explainUnion(schema, value, path) : [mismatch(issue.message, schema, value, path)];
  const above = issue.path.slice(0, -1).reduce<Position>(stepInto, { schema: root, value: rootValue });
  return above.schema ? explainUnion(above.schema, above.value, path.slice(0, -1)) : [];
}

function explainUnion(union: z.core.$ZodType, value: unknown, path: ConfigPath): Flaw[] {
  const option = matchingOption(union, value);
  const flaws = option ? explain(option, value, path) : [];
  if (flaws.length > 0) return flaws;
  const objects = optionsOf(union).filter((candidate) => candidate instanceof z.ZodObject);
  if (!isMapping(value) || objects.length === 0) return [mismatch('', union, value, path)];
  const discriminator = discriminatorOf(objects);
  if (discriminator === undefined) {
    const keys = new Set(objects.flatMap((object) => Object.keys(object.shape)));
    const unknown = Object.keys(value).map((key) => unknownKey(key, path, [...keys]));
    return unknown.length > 0
      ? unknown
      : [{ path, at: 'value', message: 'Expected a mapping with a key', expected: oneOf(keys) }];
  }
  const choices = objects.flatMap((object) => literalsOf(object, discriminator) ?? []);
  const chosen = value[discriminator];
  const at = [...path, discriminator];
  if (chosen === undefined)
    return [{ path: at, at: 'value', message: `\`${discriminator}\` is missing`, expected: oneOf(choices) }];
  const nearest = typeof chosen === 'string' ? suggest(chosen, choices) : undefined;
  const message = `Unknown ${discriminator}, got ${got(chosen, at)}`;
  return [
    {
      path: at,
      at: 'value',
      message,
      expected: oneOf(choices),
      nearest,
    },
  ];
}

function unknownKey(key: string, path: ConfigPath, known: readonly string[]): Flaw {
  return {
    path: [...path, key],
    at: 'key',
    message: `Unknown key \`${key}\``,
    expected: known.length > 0 ? oneOf(known) : 'no keys here',
    nearest: suggest(key, known),
  };
}

function mismatch(message: string, schema: z.core.$ZodType | undefined, value: unknown, path: ConfigPath): Flaw {
  const wanted = schema ? describe(schema as z.ZodType) : undefined;
  if (value === undefined)
    return { path, at: 'value', message: `\`${String(path.at(-1))}\` is missing`, expected: wanted };
  const written = message !== '' && !/^(Invalid|Too (small|big)|Unrecognized)\b/.test(message);
  const choices = schema && choicesOf(schema);
  const nearest = choices && typeof value === 'string' ? suggest(value, choices) : undefined;
  // What a schema's author wrote about a whole mapping says by itself what is wrong with it.
  if (written && typeof value === 'object') return { path, at: 'value', message };
  if (written && /\bgot\b/.test(message)) return { path, at: 'value', message, nearest };
  const sentence = written ? message : `Expected ${wanted ?? 'another value'}`;
  return { path, at: 'value', message: `${sentence}, got ${got(value, path)}`, nearest };
}

function choicesOf(schema: z.core.$ZodType): string[] {
  return optionsOf(schema).flatMap((option) => {
    const values =
      option instanceof z.ZodEnum ? option.options : option instanceof z.ZodLiteral ? [...option.values] : [];
    return values.filter((value) => typeof value === 'string');
  });
}

function keysOf(schema: z.core.$ZodType | undefined, value: unknown): string[] {
  const inner = schema && unwrap(schema);
  const object = inner instanceof z.ZodUnion ? matchingOption(inner, value) : inner;
  return object instanceof z.ZodObject ? Object.keys(object.shape) : [];
}

interface Position {
  readonly schema: z.core.$ZodType | undefined;
  readonly value: unknown;
}

function stepInto({ schema, value }: Position, key: PropertyKey): Position {
  return { schema: schema && memberSchema(schema, value, key), value: memberOf(value, key) };
}

function memberSchema(schema: z.core.$ZodType, value: unknown, key: PropertyKey): z.core.$ZodType | undefined {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodObject) return Object.hasOwn(inner.shape, key) ? inner.shape[key as string] : undefined;
  if (inner instanceof z.ZodRecord) return inner.valueType;
  if (inner instanceof z.ZodArray) return inner.element;
  if (inner instanceof z.ZodTuple) return inner.def.items[Number(key)] ?? inner.def.rest ?? undefined;
  const option = inner instanceof z.ZodUnion ? matchingOption(inner, value) : undefined;
  return option && memberSchema(option, value, key);
}

function memberOf(value: unknown, key: PropertyKey): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Readonly<Record<PropertyKey, unknown>>)[key]
    : undefined;
}
