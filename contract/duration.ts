import { z } from 'zod';

const secondsPer = { s: 1, m: 60, h: 3600, d: 24 * 3600 } as const;
/** Longer than any training that is looked after; a mistyped unit should not hold a queue for a year. */
const longest = 30 * secondsPer.d;

const rule = 'Expected a duration like `90s`, `30m`, `6h` or `2d`';

/** A duration as a person writes it: a whole number and its unit. */
export const durationSchema = z
  .string(rule)
  .regex(/^[1-9][0-9]{0,8}[smhd]$/, { error: rule, abort: true })
  .refine((text) => durationSeconds(text) <= longest, 'Expected a duration of at most 30d');

/** Seconds of a duration like `90s`, `30m`, `6h` or `2d`. */
export function durationSeconds(text: string): number {
  const unit = text.at(-1) as keyof typeof secondsPer;
  return Number(text.slice(0, -1)) * secondsPer[unit];
}
