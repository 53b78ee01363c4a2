import { z } from 'zod';

/** Below defaults, optionality and pipes: the schema that says what a written value may be. */
export function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodPipe) {
    return unwrap(schema.def.in instanceof z.ZodTransform ? schema.def.out : schema.def.in);
  }
  if (schema instanceof z.ZodLazy) return unwrap(schema.def.getter());
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodNonOptional ||
    schema instanceof z.ZodReadonly ||
    schema instanceof z.ZodCatch
  ) {
    return unwrap(schema.def.innerType);
  }
  return schema;
}

/** The options of a union and of the unions in it. */
export function optionsOf(schema: z.core.$ZodType): z.core.$ZodType[] {
  const inner = unwrap(schema);
  return inner instanceof z.ZodUnion ? inner.options.flatMap(optionsOf) : [inner];
}

/** The key whose value tells the options apart: every option demands text of its own for it. */
export function discriminatorOf(options: readonly z.ZodObject[]): string | undefined {
  const [first, ...others] = options;
  if (!first || others.length === 0) return undefined;
  return Object.keys(first.shape).find((key) => {
    const all = options.flatMap((option): readonly (string | undefined)[] => literalsOf(option, key) ?? [undefined]);
    return !all.includes(undefined) && new Set(all).size === all.length;
  });
}

/** What `option` allows for `key`, when that is a fixed list of texts. */
export function literalsOf(option: z.ZodObject, key: string): readonly string[] | undefined {
  const written = Object.hasOwn(option.shape, key) ? option.shape[key] : undefined;
  const field = written && unwrap(written);
  const values =
    field instanceof z.ZodLiteral ? [...field.values] : field instanceof z.ZodEnum ? [...field.options] : undefined;
  return values?.every((value) => typeof value === 'string') ? values : undefined;
}

/** The option that `value` was meant for, as far as its shape tells. */
export function matchingOption(union: z.core.$ZodType, value: unknown): z.ZodType | undefined {
  const options = optionsOf(union) as z.ZodType[];
  if (Array.isArray(value))
    return only(options.filter((option) => option instanceof z.ZodArray || option instanceof z.ZodTuple));
  if (!isMapping(value)) return undefined;
  const objects = options.filter((option) => option instanceof z.ZodObject);
  if (objects.length === 0) return only(options.filter((option) => option instanceof z.ZodRecord));
  const discriminator = discriminatorOf(objects);
  if (discriminator !== undefined) {
    return objects.find((option) => literalsOf(option, discriminator)?.includes(value[discriminator] as string));
  }
  return nearestObject(objects, value);
}

export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object whose keys fit best, then the one with the fewest issues; undefined when no key of `value` is known to any. */
function nearestObject(
  objects: readonly z.ZodObject[],
  value: Readonly<Record<string, unknown>>,
): z.ZodObject | undefined {
  const ranked = objects
    .map((option) => ({
      option,
      known: Object.keys(value).filter((key) => Object.hasOwn(option.shape, key)).length,
      issues: option.safeParse(value).error?.issues.length ?? 0,
    }))
    .toSorted((a, b) => b.known - a.known || a.issues - b.issues);
  const [best] = ranked;
  return best && (best.known > 0 || objects.length === 1) ? best.option : undefined;
}

function only<T>(candidates: readonly T[]): T | undefined {
  return candidates.length === 1 ? candidates[0] : undefined;
}
