/** How much memory a fetch takes, whatever its size. */
import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
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

/** @param gibibytes in each row: few large objects, many that are held in memory as a whole, and large ones on their way to a bucket */
export async function measureMemory(folder: string, gibibytes: number): Promise<LargeRow[]> {
  const shapes = [
    { name: 'objects of 512 MiB', count: 2 * gibibytes, mebibytes: 512 },
    { name: 'objects of 1 MiB', count: 1024 * gibibytes, mebibytes: 1 },
    {
      name: 'objects of 64 MiB, into a store on gs://',
      count: 16 * gibibytes,
      mebibytes: 64,
      store: 'gs://store/bench',
    },
  ];
  const rows: LargeRow[] = [];
  for (const [index, { name, count, mebibytes, store }] of shapes.entries()) {
    const place = join(folder, `memory-${index}`);
    const { server, end } = await startGcsServer({ folder: join(place, 'server') });
    try {
      for (const bucket of ['large', 'store']) await server.client.createBucket(bucket);
      const bucket = server.client.bucket('large');
      for (let each = 0; each < count; each++) {
        const target = bucket.file(`plots/${each}`).createWriteStream({ resumable: mebibytes > 8, validation: false });
        await pipeline(Readable.from(noise(mebibytes, each)), target);
      }
      const own = join(place, 'own');
      await mkdir(own);
      const env = { ...process.env, FURROW_GCS_ENDPOINT: server.endpoint };
      const args = ['gs://large/plots', ...(store ? ['--store', store] : [])];
      const { peakBytes, fetchedBytes, ms } = await timeFetch(own, args, env);
      if (fetchedBytes !== count * mebibytes * mebibyte) throw new Error(`Fetched ${fetchedBytes} bytes of ${name}`);
      rows.push({
        fetched: `${count} ${name}`,
        megabytes: fetchedBytes / 1e6,
        seconds: ms / 1000,
        peak: peakBytes / 1e6,
        limit: promised / 1e6,
        overLimit: peakBytes > promised,
      });
    } finally {
      await end('SIGKILL');
      await rm(place, { recursive: true, force: true });
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
