// @ts-check
// HTTP on Node's own client: redirects, the usual proxy variables, a limit on silence, and a digest that is checked before a file is named.
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import { dirname } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import tls from 'node:tls';
import { asideOf } from './cache.mjs';

/** A host that does not answer within this time is treated as not reached. */
const ANSWER_MS = 10_000;
/** A download that gets no byte for this long is given up; a slow one goes on. */
const SILENCE_MS = 30_000;
const MAX_REDIRECTS = 5;
/** An index page is at most a few MiB. */
const MAX_TEXT_BYTES = 32 * 2 ** 20;

/**
 * @param {string} url
 * @param {{ accept?: string, timeoutMs?: number }} [options]
 * @returns {Promise<{ text: string, type: string, url: string }>} the body, its content type, and where redirects led
 */
export async function fetchText(url, { accept, timeoutMs = ANSWER_MS } = {}) {
  const { response, url: final } = await get(url, { accept, timeoutMs });
  const chunks = [];
  let bytes = 0;
  for await (const chunk of response) {
    bytes += chunk.length;
    if (bytes > MAX_TEXT_BYTES) throw new Error(`${final} answers with more than ${MAX_TEXT_BYTES} bytes`);
    chunks.push(chunk);
  }
  return { text: Buffer.concat(chunks).toString('utf8'), type: response.headers['content-type'] ?? '', url: final };
}

/**
 * Streams `url` to `to`. The file appears only when it is complete and, where a digest is given, has that digest.
 * @param {string} url
 * @param {string} to
 * @param {{ sha256?: string, onBytes?: (done: number, total: number | undefined) => void, timeoutMs?: number }} [options]
 * @returns {Promise<string>} the sha256 of what was written
 */
export async function downloadFile(url, to, { sha256, onBytes, timeoutMs = ANSWER_MS } = {}) {
  const { response } = await get(url, { timeoutMs });
  const announced = Number(response.headers['content-length']);
  const total = Number.isFinite(announced) ? announced : undefined;
  const hash = createHash('sha256');
  let done = 0;
  const tap = new Transform({
    transform(chunk, _encoding, callback) {
      hash.update(chunk);
      done += chunk.length;
      onBytes?.(done, total);
      callback(null, chunk);
    },
  });
  await mkdir(dirname(to), { recursive: true });
  const aside = asideOf(to);
  try {
    await pipeline(response, tap, createWriteStream(aside));
    if (total !== undefined && done !== total) throw new Error(`${url} broke off after ${done} of ${total} bytes`);
    const found = hash.digest('hex');
    if (sha256 && found !== sha256) throw new Error(`${url} has sha256 ${found}, expected ${sha256}: refused`);
    await rename(aside, to);
    return found;
  } catch (error) {
    await rm(aside, { force: true });
    throw error;
  }
}

/**
 * Asks whether a host answers at all, whatever it answers.
 * @param {string} url
 * @param {number} timeoutMs
 * @throws when it does not
 */
export async function probe(url, timeoutMs) {
  const response = await request(url, { timeoutMs });
  response.destroy();
}

/**
 * @param {string} url
 * @param {{ accept?: string | undefined, timeoutMs: number }} options
 * @returns {Promise<{ response: http.IncomingMessage, url: string }>}
 */
async function get(url, options) {
  let at = url;
  for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
    const response = await request(at, options);
    const status = response.statusCode ?? 0;
    const location = response.headers.location;
    if (status >= 300 && status < 400 && location) {
      response.resume();
      at = new URL(location, at).href;
      continue;
    }
    if (status !== 200) {
      response.resume();
      throw new Error(`${withoutSecrets(at)} answers ${status} ${response.statusMessage ?? ''}`.trim());
    }
    return { response, url: at };
  }
  throw new Error(`${withoutSecrets(url)} redirects more than ${MAX_REDIRECTS} times`);
}

/**
 * @param {string} url
 * @param {{ accept?: string | undefined, timeoutMs: number }} options
 * @returns {Promise<http.IncomingMessage>}
 */
async function request(url, { accept, timeoutMs }) {
  const target = new URL(url);
  const secure = target.protocol === 'https:';
  const proxy = proxyFor(target);
  const socket = proxy && (await tunnel(proxy, target, timeoutMs));
  return new Promise((resolve, reject) => {
    const sent = (secure ? https : http).get(target, {
      headers: { 'user-agent': 'furrow-setup', ...(accept ? { accept } : {}) },
      auth: target.username
        ? `${decodeURIComponent(target.username)}:${decodeURIComponent(target.password)}`
        : undefined,
      ...(socket
        ? {
            agent: false,
            createConnection: () => (secure ? tls.connect({ socket, servername: target.hostname }) : socket),
          }
        : {}),
    });
    const late = setTimeout(
      () => sent.destroy(new Error(`${target.host} does not answer within ${timeoutMs / 1000} s`)),
      timeoutMs,
    );
    sent.on('response', (response) => {
      clearTimeout(late);
      sent.setTimeout(SILENCE_MS, () =>
        sent.destroy(new Error(`${target.host} sent nothing for ${SILENCE_MS / 1000} s`)),
      );
      resolve(response);
    });
    sent.on('error', (cause) => {
      clearTimeout(late);
      reject(new Error(`${target.host} is not reached`, { cause }));
    });
  });
}

/**
 * The proxy that the environment names for this address, if any. Exported for its test.
 * @param {URL} target
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {URL | undefined}
 */
export function proxyFor(target, env = process.env) {
  const named = target.protocol === 'https:' ? (env.HTTPS_PROXY ?? env.https_proxy) : env.http_proxy;
  const proxy = named || env.ALL_PROXY || env.all_proxy;
  if (!proxy || !/^https?:\/\//.test(proxy)) return undefined;
  const direct = (env.NO_PROXY ?? env.no_proxy ?? '').split(/[\s,]+/).filter(Boolean);
  const host = target.hostname.toLowerCase();
  const passes = direct.some((rule) => {
    const name = rule
      .toLowerCase()
      .replace(/^\*?\./, '')
      .replace(/:\d+$/, '');
    return rule === '*' || host === name || host.endsWith(`.${name}`);
  });
  return passes ? undefined : new URL(proxy);
}

/**
 * @param {URL} proxy
 * @param {URL} target
 * @param {number} timeoutMs
 * @returns {Promise<import('node:net').Socket>}
 */
function tunnel(proxy, target, timeoutMs) {
  const port = target.port || (target.protocol === 'https:' ? '443' : '80');
  const credentials = proxy.username && `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return new Promise((resolve, reject) => {
    const asked = (proxy.protocol === 'https:' ? https : http).request({
      host: proxy.hostname,
      port: proxy.port || (proxy.protocol === 'https:' ? 443 : 80),
      method: 'CONNECT',
      path: `${target.hostname}:${port}`,
      headers: credentials ? { 'proxy-authorization': `Basic ${Buffer.from(credentials).toString('base64')}` } : {},
    });
    asked.setTimeout(timeoutMs, () => asked.destroy(new Error(`does not answer within ${timeoutMs / 1000} s`)));
    asked.on('connect', (response, socket) => {
      asked.setTimeout(0);
      if (response.statusCode === 200) resolve(/** @type {import('node:net').Socket} */ (socket));
      else reject(new Error(`the proxy ${proxy.host} answers ${response.statusCode} for ${target.host}`));
    });
    asked.on('error', (cause) => reject(new Error(`the proxy ${proxy.host} is not reached`, { cause })));
    asked.end();
  });
}

/** @param {string} url */
function withoutSecrets(url) {
  const shown = new URL(url);
  shown.username = '';
  shown.password = '';
  shown.search = '';
  return shown.href;
}
