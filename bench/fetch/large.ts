/** How much memory a fetch takes, whatever its size. */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { startGcsServer } from '../../lib/gcs/testing/startGcsServer.ts';
import { timeFetch } from './small.ts';

/** Bytes. */
const promised = 300e6;
const mebibyte = 2 ** 20;

export interface LargeRow {
  readonly fetched: string;
  readonly megabytes: number;
  readonly seconds: number;
  /** Of the fetching process, in megabytes. */
  readonly peak: number;
  readonly limit: number;
  readonly overLimit: boolean;
}

/** @param gibibytes in each of both: few large objects, and many that are held in memory as a whole */
export async function measureMemory(folder: string, gibibytes: number): Promise<LargeRow[]> {
  const rows: LargeRow[] = [];
  const shapes = [
    { name: 'objects of 512 MiB', count: 2 * gibibytes, mebibytes: 512 },
    { name: 'objects of 1 MiB', count: 1024 * gibibytes, mebibytes: 1 },
  ];
  for (const [index, { name, count, mebibytes }] of shapes.entries()) {
    const { server, end } = await startGcsServer({ folder: join(folder, `server-${index}`) });
    try {
      const [bucket] = await server.client.createBucket('large');
      for (let each = 0; each < count; each++) {
        const target = bucket.file(`plots/${each}`).createWriteStream({ resumable: mebibytes > 8, validation: false });
        await pipeline(Readable.from(noise(mebibytes, each)), target);
      }
      const own = join(folder, `store-${index}`);
      await mkdir(own);
      const env = { ...process.env, FURROW_GCS_ENDPOINT: server.endpoint };
      const { peakBytes, bytes, ms } = await timeFetch(own, ['gs://large/plots'], env);
      rows.push({
        fetched: `${count} ${name}`,
        megabytes: bytes / 1e6,
        seconds: ms / 1000,
        peak: peakBytes / 1e6,
        limit: promised / 1e6,
        overLimit: peakBytes > promised,
      });
    } finally {
      await end('SIGKILL');
    }
  }
  return rows;
}

/** The same mebibyte again and again but for its number: no two objects are the same, and making them costs nothing. */
function* noise(mebibytes: number, object: number): Iterable<Buffer> {
  const block = randomBytes(mebibyte);
  for (let index = 0; index < mebibytes; index++) {
    const own = Buffer.from(block);
    own.writeUInt32LE(object, 0);
    own.writeUInt32LE(index, 4);
    yield own;
  }
}
