/** Requests over HTTP, by the proxy that the environment names (`HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`). */
import type { IncomingHttpHeaders } from 'node:http';
import { Agent, type Dispatcher, EnvHttpProxyAgent, interceptors, request } from 'undici';

/** No byte for so long, and the connection is given up. */
const silenceMs = 30_000;
const mostRedirects = 5;
/** Of what a server says in place of the bytes. */
const mostSaid = 16_384;

/** An answer that is not what was asked for; `code` is its HTTP status, as in the errors of Google's client. */
export class HttpStatusError extends Error {
  override readonly name = 'HttpStatusError';
  readonly code: number;

  /** @param said by the server, in whole or its beginning */
  constructor(code: number, said: string) {
    super(said.slice(0, 300).trim() || `HTTP ${code}`);
    this.code = code;
  }
}

export interface HttpRequest {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** To another address that the server names; without it such an answer is an error. */
  readonly followRedirects?: boolean;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** As it is sent, not unpacked. Has to be read or destroyed, or its connection stays taken. */
  readonly body: Dispatcher.ResponseData['body'];
}

/**
 * @param from the byte to begin at; a server that knows no ranges begins at 0, and answers with 200 then
 * @throws HttpStatusError for every status but 200 and 206; undici's errors when the connection fails
 */
export async function get(
  { url, headers = {}, signal, followRedirects = false }: HttpRequest,
  from = 0,
): Promise<HttpAnswer> {
  const answer = await request(url, {
    headers: { ...headers, ...(from > 0 && { range: `bytes=${from}-` }) },
    dispatcher: connections()[followRedirects ? 'following' : 'plain'],
    ...(signal && { signal }),
  });
  const { statusCode: status, body } = answer;
  if (status === 200 || (status === 206 && from > 0)) return { status, headers: answer.headers, body };
  throw new HttpStatusError(status, await beginning(body));
}

export interface HttpSending extends Omit<HttpRequest, 'followRedirects'> {
  readonly method: 'POST' | 'PUT';
  readonly body: Uint8Array | string;
  /** Until the reply begins, sending included; half a minute unless given. */
  readonly timeoutMs?: number;
}

export interface HttpReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** Sends something small enough to be held, and reads the reply, whatever its status. */
export async function send({ url, method, headers = {}, body, signal, timeoutMs }: HttpSending): Promise<HttpReply> {
  const answer = await request(url, {
    method,
    headers,
    body,
    dispatcher: connections().plain,
    ...(timeoutMs && { headersTimeout: timeoutMs }),
    ...(signal && { signal }),
  });
  return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() };
}

/** Kept open from one request to the next. Made when the first is: the environment is final then. */
let kept: { readonly plain: Dispatcher; readonly following: Dispatcher } | undefined;

function connections(): NonNullable<typeof kept> {
  if (kept) return kept;
  const options = { headersTimeout: silenceMs, bodyTimeout: silenceMs, connect: { timeout: silenceMs } };
  const proxied = ['http_proxy', 'https_proxy'].some((name) => process.env[name] || process.env[name.toUpperCase()]);
  const plain = proxied ? new EnvHttpProxyAgent(options) : new Agent(options);
  kept = { plain, following: plain.compose(interceptors.redirect({ maxRedirections: mostRedirects })) };
  return kept;
}

async function beginning(body: AsyncIterable<Buffer>): Promise<string> {
  const said: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    said.push(chunk);
    length += chunk.length;
    if (length > mostSaid) break;
  }
  return Buffer.concat(said).toString('utf8');
}
