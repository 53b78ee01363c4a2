// @ts-check
// Takes one file out of a .tar.gz, on Node alone. Format: POSIX ustar, 512-byte blocks.
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { asideOf } from './cache.mjs';

const BLOCK = 512;

/**
 * Unpacks the file `name`; `to` appears whole or not at all.
 * @param {string} archive
 * @param {string} name
 * @param {string} to
 */
export async function extractFromTarGz(archive, name, to) {
  const aside = asideOf(to);
  const out = createWriteStream(aside);
  try {
    await copyMember(archive, name, out);
    out.end();
    await finished(out);
    await rename(aside, to);
  } catch (error) {
    out.destroy();
    await rm(aside, { force: true });
    throw error;
  }
}

/**
 * @param {string} archive
 * @param {string} name
 * @param {import('node:fs').WriteStream} out
 */
async function copyMember(archive, name, out) {
  const source = createReadStream(archive);
  const unzipped = createGunzip();
  source.on('error', (error) => unzipped.destroy(error));
  source.pipe(unzipped);
  let pending = Buffer.alloc(0);
  /** Bytes left of the current member, and of its padding. */
  let content = 0;
  let padding = 0;
  let wanted = false;
  for await (const chunk of unzipped) {
    pending = pending.length ? Buffer.concat([pending, chunk]) : chunk;
    for (;;) {
      if (content > 0) {
        const part = pending.subarray(0, content);
        if (part.length === 0) break;
        content -= part.length;
        pending = pending.subarray(part.length);
        if (wanted && !out.write(part)) await once(out, 'drain');
        if (content === 0 && wanted) return;
      } else if (padding > 0) {
        const skipped = Math.min(padding, pending.length);
        if (skipped === 0) break;
        padding -= skipped;
        pending = pending.subarray(skipped);
      } else {
        if (pending.length < BLOCK) break;
        const header = parseHeader(pending.subarray(0, BLOCK));
        pending = pending.subarray(BLOCK);
        content = header.bytes;
        padding = (BLOCK - (header.bytes % BLOCK)) % BLOCK;
        wanted = header.isFile && header.name === name;
      }
    }
  }
  throw new Error(content > 0 ? 'the archive is cut off' : `the archive holds no ${name}`);
}

/** @param {Buffer} block */
function parseHeader(block) {
  const text = (/** @type {number} */ from, /** @type {number} */ length) =>
    block.toString('utf8', from, from + length).replace(/\0.*$/s, '');
  const type = text(156, 1);
  const prefix = text(257, 5) === 'ustar' ? text(345, 155) : '';
  const name = (prefix ? `${prefix}/` : '') + text(0, 100);
  const bytes = Number.parseInt(text(124, 12).trim() || '0', 8);
  if (!Number.isFinite(bytes)) throw new Error('the archive is damaged: a header has no size');
  return { name: name.replace(/^\.\//, ''), bytes, isFile: type === '0' || type === '' };
}
