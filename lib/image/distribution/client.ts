import { setTimeout as sleep } from 'node:timers/promises';
import { FurrowError } from '../../../contract/errors.ts';
import { authorize } from './authorization.ts';
import { credentialsFor } from './credentials.ts';
import { type Answer, type Exchange, exchange, readWhole } from './exchange.ts';
import { originOf } from './reference.ts';

/** One repository of one registry, with what it takes to be let in. */
export interface RepositoryClient {
  readonly host: string;
  readonly repository: string;
  /**
   * Sends a request and hands out the answer when its status is one of `expect`. The answer's body must be read or dropped.
   *
   * @param path below `/v2/<repository>/`, or a whole address that the registry gave
   * @throws FurrowError `REGISTRY_REFUSED`, `REGISTRY_UNREACHABLE`
   */
  send(path: string, options: SendOptions): Promise<Answer>;
  /** Tries again, a few times, what failed because the registry could not be reached. */
  retry<T>(attempt: () => Promise<T>): Promise<T>;
}

export interface SendOptions extends Pick<Exchange, 'method' | 'body'> {
  readonly headers?: Readonly<Record<string, string>>;
  readonly expect: readonly number[];
}

/** Pauses in milliseconds between tries. Longer outages are Temporal's: it tries the whole stage again. */
const pauses = [200, 800, 2000];
/** Storage that a registry redirects to may redirect once more. */
const mostRedirects = 3;
const largestError = 64 * 1024;

export function repositoryClient(options: {
  readonly host: string;
  readonly repository: string;
  readonly access: 'pull' | 'pull,push';
  readonly signal?: AbortSignal | undefined;
  readonly env?: NodeJS.ProcessEnv;
}): RepositoryClient {
  const { host, repository, access, signal } = options;
  const origin = originOf(host);
  let authorization: string | undefined;

  const ask = async (url: URL, { method, body, headers }: SendOptions): Promise<Answer> => {
    // The credentials are this registry's: an address elsewhere, as of the storage behind it, does not get them.
    const own = authorization && url.origin === origin ? { Authorization: authorization } : {};
    return exchange({ method, url, headers: { ...headers, ...own }, ...(body && { body }), signal });
  };

  const letIn = async (answer: Answer): Promise<boolean> => {
    const challenge = answer.headers['www-authenticate'];
    if (answer.status !== 401 || !challenge) return false;
    const credentials = await credentialsFor(host, options.env);
    const given = await authorize(challenge, credentials, `repository:${repository}:${access}`, signal);
    if (!given) return false;
    authorization = given;
    return true;
  };

  const follow = async (url: URL, send: SendOptions): Promise<Answer> => {
    let answer = await ask(url, send);
    if (answer.status === 401 && (await letIn(answer))) {
      answer.body.resume();
      answer = await ask(url, send);
    }
    let at = url;
    for (let turn = 0; turn < mostRedirects && send.method === 'GET' && isRedirect(answer); turn++) {
      answer.body.resume();
      at = new URL(answer.headers.location ?? '', at);
      answer = await ask(at, send);
    }
    return answer;
  };

  return {
    host,
    repository,
    async send(path, send) {
      const url = new URL(path, `${origin}/v2/${repository}/`);
      const answer = await follow(url, send).catch((error) => {
        signal?.throwIfAborted();
        throw unreachable(host, error);
      });
      if (send.expect.includes(answer.status)) return answer;
      throw await failure(host, repository, send.method, answer);
    },
    async retry(attempt) {
      for (const pause of pauses) {
        try {
          return await attempt();
        } catch (error) {
          signal?.throwIfAborted();
          if (!isUnreachable(error)) throw error;
          await sleep(pause, undefined, signal && { signal });
        }
      }
      return attempt().catch((error) => {
        throw isUnreachable(error) ? unreachable(host, error) : error;
      });
    },
  };
}

function isRedirect({ status, headers }: Answer): boolean {
  return [301, 302, 303, 307, 308].includes(status) && headers.location !== undefined;
}

/** Also a connection that broke while an answer was read: Node names such errors by a code like ECONNRESET. */
function isUnreachable(error: unknown): boolean {
  if (error instanceof FurrowError) return error.code === 'REGISTRY_UNREACHABLE';
  return error instanceof Error && /^E[A-Z]+$/.test(String((error as NodeJS.ErrnoException).code ?? ''));
}

function unreachable(host: string, cause: unknown): FurrowError {
  if (cause instanceof FurrowError) return cause;
  const reason = cause instanceof Error ? ((cause as NodeJS.ErrnoException).code ?? cause.message) : String(cause);
  return new FurrowError('REGISTRY_UNREACHABLE', `The registry ${host} could not be reached: ${reason}`, {
    details: { host },
    cause,
  });
}

async function failure(host: string, repository: string, method: string, answer: Answer): Promise<FurrowError> {
  const { status } = answer;
  const said = await saidBy(answer);
  const details = { host, repository, status };
  // 408 and 429 ask for another try as plainly as a 5xx.
  const passing = status >= 500 || status === 408 || status === 429;
  if (passing)
    return new FurrowError('REGISTRY_UNREACHABLE', `The registry ${host} answered ${status}${said}`, { details });
  const why = status === 401 || status === 403 ? 'does not let this worker in' : `refused ${method}`;
  return new FurrowError('REGISTRY_REFUSED', `${host}/${repository} ${why}: ${status}${said}`, { details });
}

/** The registry's own first error, as the distribution spec writes them. */
async function saidBy(answer: Answer): Promise<string> {
  try {
    const { errors } = JSON.parse((await readWhole(answer.body, largestError)).toString()) as {
      errors?: { code?: string; message?: string }[];
    };
    const first = errors?.[0];
    return first ? ` (${[first.code, first.message].filter(Boolean).join(': ').slice(0, 200)})` : '';
  } catch {
    answer.body.destroy();
    return '';
  }
}
