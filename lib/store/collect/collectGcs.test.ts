import { describe, expect, it } from 'vitest';
import { gcsProgram, useGcsServer } from '../../gcs/testing/gcsServer.ts';
import { putBlob, readBlobWhole } from '../blobs.ts';
import { openStore } from '../store.ts';
import { collectGarbage } from './collect.ts';

const day = 86_400_000;

describe.skipIf(!gcsProgram)('garbage collection in a bucket', () => {
  const server = useGcsServer();

  it('takes what nothing refers to, and leaves what an alias names or somebody has just renewed', async () => {
    await server.client.createBucket('collected');
    const store = await openStore('gs://collected/store', { create: true });
    const [named, renewed, orphan] = await Promise.all(
      ['named', 'renewed', 'orphan'].map((text) => putBlob(store, Buffer.from(text))),
    );
    if (!named || !renewed || !orphan) throw new Error('Expected three blobs');
    await store.driver.swapPointer('pointers/alias', JSON.stringify(named), undefined);
    // As if these had been written two days ago: objects in a bucket cannot be aged.
    const later = Date.now() + 2 * day;
    const { driver } = store;
    const touching: typeof store = {
      ...store,
      driver: {
        ...driver,
        async entries(prefix) {
          const found = await driver.entries(prefix);
          // Between the look and the removal.
          if (prefix.startsWith('blobs/'))
            await driver.touch(`blobs/sha256/${renewed.digest.slice(7, 9)}/${renewed.digest.slice(7)}`);
          return found;
        },
      },
    };
    expect(await collectGarbage(touching, { minimumAge: day, now: later })).toMatchObject({ blobs: { count: 1 } });
    for (const { digest } of [named, renewed]) await readBlobWhole(store, digest);
    await expect(readBlobWhole(store, orphan.digest)).rejects.toMatchObject({ code: 'BLOB_MISSING' });
  });
});
