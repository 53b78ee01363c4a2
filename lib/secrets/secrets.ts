import { FurrowError } from '../../contract/errors.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import { looksSecret } from '../../contract/redact.ts';

const reference = /\$\{secret:([A-Za-z_][A-Za-z0-9_]*)\}/g;

/** Shorter values are words, not secrets: replacing them would make messages unreadable and hide nothing. */
const shortestSecret = 6;

/** The values of this process's environment that must never be shown, longest first, so that none is left in part. */
export function environmentSecrets(env: NodeJS.ProcessEnv = process.env): string[] {
  return Object.entries(env)
    .filter(([name, value]) => value !== undefined && value.length >= shortestSecret && looksSecret(name))
    .map(([, value]) => value as string)
    .sort((a, b) => b.length - a.length);
}

/**
 * Replaces `${secret:NAME}` in every text of `params` by the value of NAME in `env`. Only for use right before the value is
 * needed: what this returns never goes into history, a log or an artifact.
 *
 * @throws FurrowError `SECRET_MISSING`.
 */
export function resolveSecrets(params: JsonObject, env: NodeJS.ProcessEnv = process.env): JsonObject {
  return resolve(params, env) as JsonObject;
}

/** The values that {@link resolveSecrets} put in, to keep them out of messages, whatever their names look like. */
export function secretsIn(params: JsonObject, env: NodeJS.ProcessEnv = process.env): string[] {
  const names = [...JSON.stringify(params).matchAll(reference)].map((match) => match[1] as string);
  return names.map((name) => env[name]).filter((value): value is string => value !== undefined && value !== '');
}

function resolve(value: Json, env: NodeJS.ProcessEnv): Json {
  if (typeof value === 'string') {
    return value.replace(reference, (_, name: string) => {
      const secret = env[name];
      if (secret === undefined) {
        throw new FurrowError('SECRET_MISSING', `The secret ${name} is not set on this worker`, { details: { name } });
      }
      return secret;
    });
  }
  if (Array.isArray(value)) return value.map((item) => resolve(item, env));
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, resolve(member, env)]));
  }
  return value;
}
