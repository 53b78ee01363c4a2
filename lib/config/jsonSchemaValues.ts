import type { Json, JsonObject } from '../../contract/json.ts';

/** Text with a `${…}` in it may stand for any value. */
export const interpolated = {
  type: 'string',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the form itself
  description: '`${NAME}` or `${NAME:-default}`, from the environment of the command; `${secret:NAME}` in `with`.',
  pattern: '\\$\\{',
} as const;
export const interpolatedRef = '#/definitions/interpolated';

/** A copy of a JSON schema in which every value that is more than plain text may also be written `${NAME}`. */
export function allowInterpolation(schema: Json): Json {
  if (!isObject(schema)) return schema;
  const rewritten = Object.fromEntries(Object.entries(schema).flatMap(([keyword, value]) => rewrite(keyword, value)));
  if (!isNarrow(rewritten)) return rewritten;
  const notes = pick(rewritten, (keyword) => annotations.has(keyword));
  return { ...notes, anyOf: [pick(rewritten, (keyword) => !annotations.has(keyword)), { $ref: interpolatedRef }] };
}

/** Kept outside, where editors look for them. */
const annotations: ReadonlySet<string> = new Set(['title', 'description', 'default', 'examples']);
const mapsOfSchemas: ReadonlySet<string> = new Set(['properties', 'patternProperties', 'definitions']);
const schemas: ReadonlySet<string> = new Set(['items', 'additionalItems', 'additionalProperties', 'not']);
const listsOfSchemas: ReadonlySet<string> = new Set(['anyOf', 'oneOf', 'allOf']);

function rewrite(keyword: string, value: Json): [string, Json][] {
  // Bounds that only say how large a safe integer is.
  if (typeof value === 'number' && Math.abs(value) >= Number.MAX_SAFE_INTEGER) return [];
  if (mapsOfSchemas.has(keyword) && isObject(value)) {
    return [
      [keyword, Object.fromEntries(Object.entries(value).map(([name, schema]) => [name, allowInterpolation(schema)]))],
    ];
  }
  if (Array.isArray(value) && (listsOfSchemas.has(keyword) || keyword === 'items')) {
    // `${NAME}` fits several options, which `oneOf` would refuse.
    return [[keyword === 'oneOf' ? 'anyOf' : keyword, value.map(allowInterpolation)]];
  }
  return [[keyword, schemas.has(keyword) ? allowInterpolation(value) : value]];
}

/** Whether text with `${…}` would be refused although it may become something right. */
function isNarrow(schema: JsonObject): boolean {
  if (schema.enum !== undefined || schema.const !== undefined) return true;
  if (typeof schema.type === 'string' && ['number', 'integer', 'boolean', 'null'].includes(schema.type)) return true;
  if (Array.isArray(schema.type) && !schema.type.includes('string')) return true;
  return ['pattern', 'format', 'minLength', 'maxLength'].some((keyword) => schema[keyword] !== undefined);
}

function pick(schema: JsonObject, keep: (keyword: string) => boolean): JsonObject {
  return Object.fromEntries(Object.entries(schema).filter(([keyword]) => keep(keyword)));
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
