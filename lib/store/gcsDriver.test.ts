import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { gcsProgram, useGcsServer } from '../gcs/testing/gcsServer.ts';
import { gcsDriver, isAbsent } from './gcsDriver.ts';
import { describeDriver } from './testing/conformance.ts';

/** Without the server, which `npm run setup` installs where Go is, nothing here can be tried. */
describe.skipIf(!gcsProgram)('on a real server', () => {
  const server = useGcsServer();
  beforeAll(async () => {
    await server.client.createBucket('plots');
  });

  const fresh = () => gcsDriver(`gs://plots/${randomUUID()}`);
  describeDriver('a store on GCS', fresh);

  describe('a store on GCS: itself', () => {
    it('takes streams longer than a chunk, with memory for one, and gives them back', async () => {
      const driver = await fresh();
      const piece = new Uint8Array(2 ** 20).map((_, at) => at % 251);
      const long = (async function* () {
        for (let count = 0; count < 20; count++) yield piece;
      })();
      expect(await driver.create('long', long)).toBe('created');
      expect(await driver.size('long')).toBe(20 * 2 ** 20);
      let at = 0;
      for await (const chunk of (await driver.open('long')) ?? []) {
        for (const byte of chunk) if (byte !== (at++ % 2 ** 20) % 251) throw new Error(`wrong at ${at}`);
      }
      expect(at).toBe(20 * 2 ** 20);
    });

    it('leaves nothing of a stream that breaks after its first chunk', async () => {
      const driver = await fresh();
      const broken = (async function* () {
        for (let count = 0; count < 20; count++) yield new Uint8Array(2 ** 20);
        throw new Error('the writer went away');
      })();
      await expect(driver.create('torn', broken)).rejects.toThrow(/^the writer went away$/);
      expect(await driver.size('torn')).toBeUndefined();
    });

    it('tells a missing object from a missing bucket, whatever their names are', () => {
      const notFound = (message: string) => Object.assign(new Error(message), { code: 404 });
      expect(isAbsent(notFound('No such object: my-bucket/prefix/store.json'))).toBe(true);
      expect(isAbsent(notFound('Not Found'))).toBe(true);
      expect(isAbsent(notFound('The specified bucket does not exist.'))).toBe(false);
      expect(isAbsent(Object.assign(new Error('x'), { code: 500 }))).toBe(false);
    });

    it('says which bucket is not there', async () => {
      const driver = await gcsDriver('gs://no-such-bucket/x');
      await expect(driver.create('a', new Uint8Array(1))).rejects.toMatchObject({
        code: 'STORE_NOT_FOUND',
        message: expect.stringContaining('gs://no-such-bucket'),
      });
    });
  });
});
