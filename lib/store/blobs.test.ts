import { existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { copyBlob, hasBlob, putBlob, putBlobFile, readBlobWhole } from './blobs.ts';
import { digestOf } from './digest.ts';
import { testFolder, testStore } from './testing/testStore.ts';

const content = Buffer.from('4 bands of float32 '.repeat(10_000));

describe('a blob', () => {
  it('lies under its digest, the same from memory and from a file', async () => {
    const store = await testStore();
    const file = join(testFolder(), 'plot.tif');
    writeFileSync(file, content);
    const fromMemory = await putBlob(store, content);
    expect(fromMemory).toEqual({ digest: digestOf(content), bytes: content.length });
    expect(await putBlobFile(store, file)).toEqual(fromMemory);
    expect(Buffer.from(await readBlobWhole(store, fromMemory.digest))).toEqual(content);
  });

  it.each([
    ['altered', (file: string) => flipByte(file)],
    ['cut short', (file: string) => truncateSync(file, 100)],
  ])('that was %s is refused when it is read, and set aside', async (_, harm) => {
    const store = await testStore();
    const { digest } = await putBlob(store, content);
    harm(store.blobFile(digest));
    await expect(readBlobWhole(store, digest)).rejects.toMatchObject({ code: 'BLOB_CORRUPT' });
    expect(await hasBlob(store, digest, content.length)).toBe(false);
    expect(await store.driver.list('corrupt/')).toEqual([expect.stringContaining(digest.slice(7))]);
    await putBlob(store, content);
    expect(Buffer.from(await readBlobWhole(store, digest))).toEqual(content);
  });

  it('that came wrong once stays where it is: it may be the only copy', async () => {
    const store = await testStore();
    const { digest } = await putBlob(store, content);
    const flaky = { ...store, driver: { ...store.driver, read: async () => Buffer.from('noise') } };
    await expect(readBlobWhole(flaky, digest)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(await hasBlob(store, digest, content.length)).toBe(true);
  });

  it('that is gone is missing', async () => {
    const store = await testStore();
    const { digest } = await putBlob(store, content);
    rmSync(store.blobFile(digest));
    await expect(readBlobWhole(store, digest)).rejects.toMatchObject({ code: 'BLOB_MISSING' });
  });

  it('that was cut short does not count as there, and is written again', async () => {
    const store = await testStore();
    const { digest } = await putBlob(store, content);
    truncateSync(store.blobFile(digest), 100);
    expect(await hasBlob(store, digest, content.length)).toBe(false);
    await putBlob(store, content);
    expect(Buffer.from(await readBlobWhole(store, digest))).toEqual(content);
  });

  it('is copied whole or not at all', async () => {
    const store = await testStore();
    const { digest } = await putBlob(store, content);
    const folder = testFolder();
    await copyBlob(store, digest, join(folder, 'deep/good.bin'));
    expect(readFileSync(join(folder, 'deep/good.bin'))).toEqual(content);
    flipByte(store.blobFile(digest));
    await expect(copyBlob(store, digest, join(folder, 'bad.bin'))).rejects.toMatchObject({ code: 'BLOB_CORRUPT' });
    expect(readdirSync(folder)).toEqual(['deep']);
  });

  it('that changes between being measured and being stored is not stored under the old digest', async () => {
    const store = await testStore();
    const file = join(testFolder(), 'growing.log');
    writeFileSync(file, content);
    const { create } = store.driver;
    const changing = {
      ...store,
      driver: {
        ...store.driver,
        create: (...args: Parameters<typeof create>) => {
          flipByte(file);
          return create(...args);
        },
      },
    };
    await expect(putBlobFile(changing, file)).rejects.toMatchObject({ code: 'BLOB_CORRUPT' });
    expect(existsSync(store.blobFile(digestOf(content)))).toBe(false);
  });
});

function flipByte(file: string): void {
  const bytes = readFileSync(file);
  bytes[500] = (bytes[500] as number) ^ 1;
  writeFileSync(file, bytes);
}
