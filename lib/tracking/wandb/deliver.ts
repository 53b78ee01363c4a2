import { setTimeout as sleep } from 'node:timers/promises';
import { EnvHttpProxyAgent, fetch, type RequestInit, type Response } from 'undici';

/** Why W&B has not taken something yet. */
export interface Trouble {
  /** `refused`: it answers, and does not want it: a key, a name, a right. It may change its mind when a person changes theirs. */
  readonly kind: 'away' | 'busy' | 'refused' | 'stranger';
  /** One sentence, without what was sent. */
  readonly message: string;
}

export interface Delivery {
  readonly signal: AbortSignal;
  onTrouble(trouble: Trouble): void;
  /** Milliseconds; the first wait doubles with each failure in a row. */
  readonly firstWaitMs?: number;
  readonly longestWaitMs?: number;
  /** Milliseconds that one try may take. */
  readonly tryMs?: number;
}

const usual = { firstWaitMs: 500, longestWaitMs: 30_000, tryMs: 20_000 };
/** `HTTPS_PROXY`, `NO_PROXY`: Node's own `fetch` reads neither. */
const dispatcher = new EnvHttpProxyAgent();

/** Milliseconds: what a server may ask for by `Retry-After`. */
const longestAskedWait = 5 * 60_000;

/**
 * Sends a request until the server has taken it: after errors, refusals, broken connections, silence, half an answer or another's
 * answer (a captive portal's page). Waits in between, longer each time, or as long as the server asks for.
 *
 * @param read takes the answer's JSON; throws {@link NotTaken} where it says that the request was not taken
 * @throws the signal's reason
 */
export async function deliver<T>(
  url: string,
  init: RequestInit,
  read: (answer: unknown) => T,
  delivery: Delivery,
): Promise<T> {
  const { signal, firstWaitMs, longestWaitMs, tryMs } = { ...usual, ...delivery };
  for (let failures = 1; ; failures++) {
    signal.throwIfAborted();
    try {
      return read(
        await withLimit(signal, tryMs, async (limit) =>
          answerOf(await fetch(url, { ...init, dispatcher, signal: limit })),
        ),
      );
    } catch (error) {
      signal.throwIfAborted();
      const { trouble, waitMs } = explain(error, tryMs);
      delivery.onTrouble(trouble);
      const grown = Math.min(firstWaitMs * 2 ** (failures - 1), longestWaitMs);
      await sleep(waitMs ?? grown * (0.5 + Math.random() / 2), undefined, { signal });
    }
  }
}

/** The request has not been taken; it is sent again. */
export class NotTaken extends Error {
  readonly trouble: Trouble;
  readonly waitMs: number | undefined;

  constructor(trouble: Trouble, waitMs?: number) {
    super(trouble.message);
    this.trouble = trouble;
    this.waitMs = waitMs;
  }
}

class TookTooLong extends Error {}

/** `AbortSignal.any` with `AbortSignal.timeout` may be collected as garbage before its time, and then never fires. */
async function withLimit<T>(signal: AbortSignal, ms: number, act: (limit: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const stop = () => controller.abort(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  const timer = setTimeout(() => controller.abort(new TookTooLong()), ms);
  try {
    return await act(controller.signal);
  } catch (error) {
    throw controller.signal.aborted ? controller.signal.reason : error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}

async function answerOf(response: Response): Promise<unknown> {
  // Read to its end, also where it is an error: the connection is used again, and half an answer shows.
  const text = await response.text();
  const { status } = response;
  if (status === 429 || status === 503)
    throw new NotTaken({ kind: 'busy', message: `W&B asks to wait (${status})` }, askedWait(response));
  if (status >= 500) throw new NotTaken({ kind: 'busy', message: `W&B answered ${status}` });
  if (status === 401 || status === 403)
    throw new NotTaken({ kind: 'refused', message: `W&B refuses the API key (${status})` });
  if (status >= 400) throw new NotTaken({ kind: 'refused', message: `W&B answered ${status}` });
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new NotTaken({ kind: 'stranger', message: 'what answers in place of W&B speaks another language: no JSON' });
  }
}

/** Milliseconds, from seconds or a date. */
function askedWait(response: Response): number | undefined {
  const asked = response.headers.get('retry-after');
  if (!asked) return undefined;
  const seconds = Number(asked);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(asked) - Date.now();
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), longestAskedWait) : undefined;
}

function explain(error: unknown, tryMs: number): { trouble: Trouble; waitMs?: number | undefined } {
  if (error instanceof NotTaken) return error;
  if (error instanceof TookTooLong)
    return { trouble: { kind: 'away', message: `W&B did not answer within ${tryMs / 1000} s` } };
  const { name, cause } = error as Error & { cause?: { code?: string; message?: string } };
  const why = cause?.code ?? cause?.message ?? name;
  return { trouble: { kind: 'away', message: `W&B cannot be reached (${why})` } };
}
