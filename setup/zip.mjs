// @ts-check
// Reads a zip file from disk, entry by entry, on Node alone: no unzip and no Python is needed to open a wheel.
// Format: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32, createInflateRaw } from 'node:zlib';
import { asideOf } from './cache.mjs';

const END_SIGNATURE = 0x06054b50;
const ENTRY_SIGNATURE = 0x02014b50;
const LOCAL_SIGNATURE = 0x04034b50;
const END_BYTES = 22;
const ENTRY_BYTES = 46;
const LOCAL_BYTES = 30;
/** The comment after the end record is at most this long, so the record lies within this tail. */
const MAX_COMMENT = 0xffff;
/** A count or offset with this value says that the real one is in a zip64 record. */
const IN_ZIP64 = 0xffffffff;
const STORED = 0;
const DEFLATED = 8;

/**
 * @typedef {object} ZipEntry
 * @property {string} name  with `/` between folders; ends in `/` for a folder
 * @property {number} method  0 stored, 8 deflated
 * @property {number} crc
 * @property {number} compressedBytes
 * @property {number} bytes
 * @property {number} offset  of the local header
 */

/**
 * Lists the entries of a zip file.
 * @param {string} path
 * @returns {Promise<ZipEntry[]>}
 * @throws when the file is cut off, damaged, or of a kind that is not read here (zip64, encrypted)
 */
export async function listZip(path) {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const tail = await readAt(
      file,
      Math.max(0, size - END_BYTES - MAX_COMMENT),
      Math.min(size, END_BYTES + MAX_COMMENT),
    );
    const at = findEnd(tail);
    if (at < 0) throw new Error('not a zip file, or cut off: it has no end record');
    const count = tail.readUInt16LE(at + 10);
    const bytes = tail.readUInt32LE(at + 12);
    const offset = tail.readUInt32LE(at + 16);
    if (offset === IN_ZIP64 || count === 0xffff) throw new Error('zip64 files are not read here');
    if (offset + bytes > size) throw new Error('damaged: the directory lies outside of the file');
    return parseDirectory(await readAt(file, offset, bytes), count);
  } finally {
    await file.close();
  }
}

/**
 * Unpacks one entry; `to` appears whole, with its checksum verified, or not at all.
 * @param {string} path
 * @param {ZipEntry} entry
 * @param {string} to
 * @param {(bytes: number) => void} [onBytes]
 */
export async function extractEntry(path, entry, to, onBytes) {
  const start = await dataStart(path, entry);
  await mkdir(dirname(to), { recursive: true });
  const aside = asideOf(to);
  let crc = 0;
  let bytes = 0;
  const check = new Transform({
    transform(chunk, _encoding, callback) {
      crc = crc32(chunk, crc);
      bytes += chunk.length;
      onBytes?.(chunk.length);
      callback(bytes > entry.bytes ? new Error(`${entry.name} is longer than its ${entry.bytes} bytes`) : null, chunk);
    },
  });
  try {
    if (entry.bytes === 0 && entry.compressedBytes === 0) {
      await (await open(aside, 'w')).close();
    } else {
      // Large reads: half a gigabyte in 64 KiB pieces spends longer in the event loop than in inflate.
      const packed = createReadStream(path, { start, end: start + entry.compressedBytes - 1, highWaterMark: 1 << 20 });
      const unpack = entry.method === DEFLATED ? [createInflateRaw({ chunkSize: 1 << 20 })] : [];
      await pipeline([packed, ...unpack, check, createWriteStream(aside)]);
    }
    if (bytes !== entry.bytes || crc !== entry.crc)
      throw new Error(`${entry.name} is damaged: its checksum does not match`);
    await rename(aside, to);
  } catch (error) {
    await rm(aside, { force: true });
    throw error;
  }
}

/** @param {Buffer} tail */
function findEnd(tail) {
  for (let at = tail.length - END_BYTES; at >= 0; at--) {
    if (tail.readUInt32LE(at) === END_SIGNATURE && at + END_BYTES + tail.readUInt16LE(at + 20) <= tail.length)
      return at;
  }
  return -1;
}

/**
 * @param {Buffer} directory
 * @param {number} count
 */
function parseDirectory(directory, count) {
  /** @type {ZipEntry[]} */
  const entries = [];
  for (let at = 0; entries.length < count; ) {
    if (at + ENTRY_BYTES > directory.length || directory.readUInt32LE(at) !== ENTRY_SIGNATURE) {
      throw new Error(`damaged: entry ${entries.length} of ${count} is not where the directory says`);
    }
    const nameBytes = directory.readUInt16LE(at + 28);
    const name = directory.toString('utf8', at + ENTRY_BYTES, at + ENTRY_BYTES + nameBytes);
    entries.push({
      name: safeName(name),
      method: methodOf(name, directory.readUInt16LE(at + 10), directory.readUInt16LE(at + 8)),
      crc: directory.readUInt32LE(at + 16),
      compressedBytes: directory.readUInt32LE(at + 20),
      bytes: directory.readUInt32LE(at + 24),
      offset: directory.readUInt32LE(at + 42),
    });
    at += ENTRY_BYTES + nameBytes + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
  return entries;
}

/** @param {string} name */
function safeName(name) {
  const climbs = name.split(/[/\\]/).includes('..');
  if (climbs || /^([/\\]|[A-Za-z]:)/.test(name) || name.includes('\0'))
    throw new Error(`entry "${name}" would be written outside of its folder`);
  return name;
}

/**
 * @param {string} name
 * @param {number} method
 * @param {number} flags
 */
function methodOf(name, method, flags) {
  if (flags & 1) throw new Error(`entry "${name}" is encrypted`);
  if (method !== STORED && method !== DEFLATED)
    throw new Error(`entry "${name}" uses compression method ${method}; 0 and 8 are read here`);
  return method;
}

/**
 * The local header repeats the name and has extra fields of its own length, so where the data starts is read from it.
 * @param {string} path
 * @param {ZipEntry} entry
 */
async function dataStart(path, entry) {
  const file = await open(path, 'r');
  try {
    const header = await readAt(file, entry.offset, LOCAL_BYTES);
    if (header.readUInt32LE(0) !== LOCAL_SIGNATURE)
      throw new Error(`damaged: ${entry.name} is not where the directory says`);
    return entry.offset + LOCAL_BYTES + header.readUInt16LE(26) + header.readUInt16LE(28);
  } finally {
    await file.close();
  }
}

/**
 * @param {import('node:fs/promises').FileHandle} file
 * @param {number} position
 * @param {number} length
 */
async function readAt(file, position, length) {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, position);
  if (bytesRead !== length) throw new Error('cut off: the file ends too early');
  return buffer;
}
