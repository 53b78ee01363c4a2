import type { BasicCredentials } from './credentials.ts';
import { exchange, readWhole } from './exchange.ts';

/** Larger tokens would not fit a header. */
const largestToken = 64 * 1024;

/**
 * The header that a registry's `WWW-Authenticate` asks for: the credentials themselves, or a token that its token server
 * gives for them (https://distribution.github.io/distribution/spec/auth/token/). Undefined where there are no credentials to
 * show; a token server may give a token to anybody.
 */
export async function authorize(
  challenge: string,
  credentials: BasicCredentials | undefined,
  scope: string,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const scheme = /^\s*(\w+)/.exec(challenge)?.[1]?.toLowerCase();
  if (scheme === 'basic') return credentials && `Basic ${credentials}`;
  const parameters = Object.fromEntries(
    [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]),
  );
  if (scheme !== 'bearer' || !parameters.realm || !URL.canParse(parameters.realm)) return undefined;

  const url = new URL(parameters.realm);
  if (parameters.service) url.searchParams.set('service', parameters.service);
  url.searchParams.set('scope', scope);
  const answer = await exchange({
    method: 'GET',
    url,
    ...(credentials && { headers: { Authorization: `Basic ${credentials}` } }),
    signal,
  });
  const text = (await readWhole(answer.body, largestToken)).toString();
  if (answer.status !== 200) return undefined;
  const { token, access_token } = JSON.parse(text) as { token?: string; access_token?: string };
  const given = token ?? access_token;
  return given && `Bearer ${given}`;
}
