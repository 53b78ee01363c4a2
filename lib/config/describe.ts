import { z } from 'zod';
import { looksSecret } from '../../contract/redact.ts';
import type { ConfigPath } from './tree.ts';

/** What a schema takes, as the end of a sentence: `an integer from 1 and up`, `one of \`mae\`, \`rmse\``. */
export function describe(schema: z.ZodType): string {
  return phrase(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Shape);
}

/** What was found: `-3` (number). A value whose name looks secret is not shown. */
export function got(value: unknown, path: ConfigPath): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'nothing (null)';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object') return 'a mapping';
  if (looksSecret(String(path.at(-1) ?? ''))) return `a ${typeof value}`;
  const text = String(value).replace(/\s+/g, ' ');
  return `\`${text.length > longestShown ? `${text.slice(0, longestShown)}…` : text}\` (${typeof value})`;
}

/** A line of a terminal holds the place, the path and this. */
const longestShown = 60;

interface Shape {
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Shape[];
  readonly oneOf?: readonly Shape[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly multipleOf?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly prefixItems?: readonly Shape[];
  readonly items?: Shape;
}

function phrase(shape: Shape): string {
  if (shape.const !== undefined) return `\`${String(shape.const)}\``;
  if (shape.enum)
    return shape.enum.length === 1
      ? `\`${shape.enum[0]}\``
      : `one of ${shape.enum.map((value) => `\`${value}\``).join(', ')}`;
  const options = shape.anyOf ?? shape.oneOf;
  if (options) return [...new Set(options.map(phrase))].join(' or ');
  if (typeof shape.type === 'object') return shape.type.map((type) => phrase({ ...shape, type })).join(' or ');
  if (shape.type === 'integer') return `an integer${range(shape)}`;
  if (shape.type === 'number') return `a number${range(shape)}`;
  if (shape.type === 'string') return text(shape);
  if (shape.type === 'boolean') return '`true` or `false`';
  if (shape.type === 'array') return items(shape);
  if (shape.type === 'object') return 'a mapping';
  if (shape.type === 'null') return 'nothing';
  return 'another value';
}

function range(shape: Shape): string {
  const from = shape.minimum !== undefined && shape.minimum > Number.MIN_SAFE_INTEGER ? shape.minimum : undefined;
  const to = shape.maximum !== undefined && shape.maximum < Number.MAX_SAFE_INTEGER ? shape.maximum : undefined;
  const parts = [
    shape.exclusiveMinimum === undefined ? undefined : `above ${shape.exclusiveMinimum}`,
    from === undefined
      ? undefined
      : `from ${from}${to === undefined && shape.exclusiveMaximum === undefined ? ' and up' : ''}`,
    to === undefined ? undefined : `${from === undefined ? 'up ' : ''}to ${to}`,
    shape.exclusiveMaximum === undefined ? undefined : `below ${shape.exclusiveMaximum}`,
    shape.multipleOf === undefined || shape.multipleOf === 1 ? undefined : `in steps of ${shape.multipleOf}`,
  ];
  return parts.flatMap((part) => (part === undefined ? [] : [` ${part}`])).join('');
}

function text(shape: Shape): string {
  if (shape.pattern !== undefined) return `text that matches \`${shape.pattern}\``;
  const least = shape.minLength ?? 0;
  if (shape.maxLength !== undefined)
    return `text of ${least > 0 ? `${least} to` : 'at most'} ${shape.maxLength} characters`;
  if (least > 1) return `text of at least ${least} characters`;
  return least === 1 ? 'text that is not empty' : 'text';
}

function items(shape: Shape): string {
  if (shape.prefixItems)
    return `a list of ${shape.prefixItems.length}: ${shape.prefixItems.map(phrase).join(', then ')}`;
  const each = shape.items ? `, each ${phrase(shape.items)}` : '';
  const { minItems: least, maxItems: most } = shape;
  if (least !== undefined && least === most) return `a list of ${least}${each}`;
  if (least !== undefined && most !== undefined) return `a list of ${least} to ${most}${each}`;
  if (least !== undefined) return `a list of ${least} or more${each}`;
  return `a list${most === undefined ? '' : ` of at most ${most}`}${each}`;
}
