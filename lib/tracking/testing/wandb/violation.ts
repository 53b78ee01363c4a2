/** A request that breaks a rule of the protocol. */
export class Violation extends Error {}

export function parseObject(text: string, what: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Violation(`${what} is no JSON`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Violation(`${what} is no object`);
  return value as Record<string, unknown>;
}
