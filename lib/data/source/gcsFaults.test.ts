import { randomBytes } from 'node:crypto';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import fetchData from '../../../activities/fetchData.ts';
import { faults } from '../../gcs/testing/faultyProxy.ts';
import { behindFaults, gcsProgram, useGcsServer } from '../../gcs/testing/gcsServer.ts';
import { gcsDriver } from '../../store/gcsDriver.ts';
import { openWorkbench, type Workbench } from '../testing.ts';
import { listObjects } from './gcsSource.ts';

const count = 120;
/** Downloads, not lists: those the client itself repeats, and a resolve that fails is tried again as a whole. */
const downloads = /alt=media/;

describe.skipIf(!gcsProgram)('a bucket behind a network that fails', () => {
  const server = useGcsServer();
  let bench: Workbench;
  const contents = new Map<string, Buffer>();

  beforeAll(async () => {
    const [bucket] = await server.client.createBucket('plots');
    for (let index = 0; index < count; index++) contents.set(`train/${index}.tif`, randomBytes(2_000 + 40 * index));
    contents.set('train/large.tif', randomBytes(2 * 2 ** 20));
    await Promise.all(
      [...contents].map(([name, content]) => bucket.file(`field/${name}`).save(content, { resumable: false })),
    );
  });
  beforeEach(async () => {
    bench = await openWorkbench();
  });
  afterEach(() => bench.remove());

  const fetch = () => bench.run(fetchData, { params: { source: 'gs://plots/field' } });

  it('comes byte for byte when a fifth of the requests fail, in every way', async () => {
    await behindFaults(server, { share: 0.2, seed: 6, only: downloads }, async (proxy) => {
      const { artifact } = await fetch();
      expect((await artifact.files()).map(({ path }) => path)).toEqual([...contents.keys()].sort());
      for (const [path, content] of contents) {
        expect(content.equals(Buffer.from(await artifact.read(path))), path).toBe(true);
      }
      // Each kind was there.
      expect([...proxy.counts.keys()].sort()).toEqual([...faults].sort());
    });
  }, 60_000);

  it('is listed to its end, page after page, by the source and by a store', async () => {
    await behindFaults(server, { share: 0, seed: 1, page: 7 }, async (proxy) => {
      expect(await listObjects('plots', 'field')).toHaveLength(contents.size);
      const names = await (await gcsDriver('gs://plots')).list('field/');
      expect(names).toHaveLength(contents.size);
      expect(proxy.requests.length).toBeGreaterThan((2 * contents.size) / 7);
      // The client would end there, and say nothing.
      expect(proxy.requests.filter((request) => request.includes('maxResults='))).toEqual([]);
    });
  });

  it('ends with one clear error when nothing comes right, and the next attempt fetches what is missing alone', async () => {
    const spoilt = { share: 1, seed: 1, only: /large\.tif.*alt=media/, kinds: ['flipped'] } as const;
    await behindFaults(server, spoilt, () =>
      expect(fetch()).rejects.toMatchObject({
        code: 'SOURCE_CORRUPT',
        message: expect.stringContaining('train/large.tif#'),
      }),
    );
    const { outcome } = await fetch();
    const { fetchedBytes = 0, bytes = 0 } = outcome.facts as { fetchedBytes?: number; bytes?: number };
    expect(fetchedBytes).toBeGreaterThanOrEqual(2 * 2 ** 20);
    expect(fetchedBytes).toBeLessThan(bytes / 2 + 2 * 2 ** 20);
  }, 60_000);
});
