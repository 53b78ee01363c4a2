import { z } from 'zod';
import type { JsonObject } from './json.ts';

/** Whether a parameter changes what a stage makes (`result`) or only how it gets there (`operational`: kept out of the key). */
export type ParamRole = 'result' | 'operational';

const roles = z.registry<{ role: ParamRole }>();

/** Marks a parameter that changes the result. Mark the outermost schema: `result(z.number().default(3))`. */
export function result<T extends z.ZodType>(schema: T): T {
  return mark(schema, 'result');
}

/** Marks a parameter that cannot change the result: where, how often, how much in parallel. */
export function operational<T extends z.ZodType>(schema: T): T {
  return mark(schema, 'operational');
}

export function roleOf(schema: z.ZodType): ParamRole | undefined {
  return roles.get(schema)?.role;
}

/** The parameters that enter the key: those of `params` that `schema` marks as result-changing. */
export function resultParams(schema: z.ZodType, params: JsonObject): JsonObject {
  const fields = fieldsFor(schema, params);
  return Object.fromEntries(Object.entries(params).filter(([name]) => roleOf(fields[name] as z.ZodType) === 'result'));
}

/** The paths in `schema` that carry no mark; a stage with any cannot be defined. */
export function unmarkedParams(schema: z.ZodType): string[] {
  return alternatives(schema).flatMap((option) =>
    Object.entries(option.shape)
      .filter(([, field]) => roleOf(field as z.ZodType) === undefined)
      .map(([name]) => name),
  );
}

/** The object schemas that `schema` may be: itself, or the options of a union. */
export function alternatives(schema: z.ZodType): z.ZodObject[] {
  if (schema instanceof z.ZodObject) return [schema];
  if (schema instanceof z.ZodUnion) return schema.options.flatMap((option) => alternatives(option as z.ZodType));
  throw new TypeError('Expected the parameters of a stage to be a z.strictObject, or a union of such objects');
}

function fieldsFor(schema: z.ZodType, params: JsonObject): Record<string, z.ZodType> {
  const option = alternatives(schema).find((candidate) => candidate.safeParse(params).success);
  if (!option) throw new TypeError('Expected parameters that were parsed by the schema');
  return option.shape as Record<string, z.ZodType>;
}

function mark<T extends z.ZodType>(schema: T, role: ParamRole): T {
  const known = roleOf(schema);
  if (known && known !== role)
    throw new TypeError(`This schema is marked ${known} already: make a new one for ${role}`);
  roles.add(schema, { role });
  return schema;
}
