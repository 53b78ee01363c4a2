import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

export interface Exchange {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** Made anew for every try. */
  readonly body?: { readonly bytes: number; stream(): AsyncIterable<Uint8Array> };
  readonly signal?: AbortSignal | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: IncomingMessage;
}

/** A registry that says nothing for so long is taken for unreachable. */
const silenceMs = 60_000;

/**
 * One HTTP request. Node's own client and not `fetch`, because an upload must state its length and stream from disk, which `fetch` cannot
 * do at once: it sends a stream in chunks, and registries refuse that.
 */
export function exchange({ method, url, headers, body, signal }: Exchange): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const length = body?.bytes ?? (method === 'POST' || method === 'PUT' ? 0 : undefined);
    const request = send(url, {
      method,
      headers: { 'User-Agent': 'furrow', ...headers, ...(length !== undefined && { 'Content-Length': length }) },
      ...(signal && { signal }),
    });
    request.setTimeout(silenceMs, () => request.destroy(new Error(`no answer for ${silenceMs / 1000} s`)));
    request.on('response', (message) =>
      resolve({ status: message.statusCode ?? 0, headers: message.headers, body: message }),
    );
    request.on('error', reject);
    // A registry may answer before it has read the body, which ends the pipeline: the answer counts.
    if (body && body.bytes > 0) pipeline(Readable.from(body.stream(), { objectMode: false }), request).catch(reject);
    else request.end();
  });
}

/** Small answers only: manifests, tokens, errors. */
export async function readWhole(body: IncomingMessage, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > limit) throw new Error(`Expected at most ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
