import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isAbsent } from '../gcs/errors.ts';
import { type FaultyProxy, faultyProxy } from '../gcs/testing/faultyProxy.ts';
import { behindFaults, gcsProgram, useGcsServer } from '../gcs/testing/gcsServer.ts';
import { gcsDriver } from './gcsDriver.ts';
import { describeDriver } from './testing/conformance.ts';

/** Without the server, which `npm run setup` installs where Go is, nothing here can be tried. */
describe.skipIf(!gcsProgram)('on a real server', () => {
  const server = useGcsServer();
  beforeAll(async () => {
    await server.client.createBucket('plots');
  });

  const fresh = () => gcsDriver(`gs://plots/${randomUUID()}`);
  describeDriver('a store on GCS', fresh);

  describe('behind a network that fails', () => {
    const proxies: FaultyProxy[] = [];
    beforeAll(async () => {
      const refused = ['500', '503', '429', 'reset', 'slow'] as const;
      // Not lost: the server that stands here for Google's adds a chunk that comes twice twice.
      const chunks = await faultyProxy(server.endpoint, { share: 0.3, seed: 4, only: /^PUT /, kinds: refused });
      const writes = await faultyProxy(chunks.endpoint, {
        share: 0.08,
        seed: 5,
        only: /^(POST|DELETE) /,
        kinds: [...refused, 'lost'],
      });
      // Not flipped: what lists and metadata say is summed up by nobody but the connection itself.
      const kinds = [...refused, 'lost', 'truncated'] as const;
      const reads = await faultyProxy(writes.endpoint, { share: 0.2, seed: 6, only: /^GET /, kinds });
      proxies.push(chunks, writes, reads);
      process.env.FURROW_GCS_ENDPOINT = reads.endpoint;
    });
    afterAll(async () => {
      process.env.FURROW_GCS_ENDPOINT = server.endpoint;
      for (const { counts } of proxies) expect([...counts.values()].reduce((a, b) => a + b, 0)).toBeGreaterThan(1);
      for (const proxy of proxies.reverse()) await proxy.close();
    });

    describeDriver('a store on GCS', fresh);
  });

  describe('a store on GCS: itself', () => {
    it('takes streams longer than a chunk, and gives them back', async () => {
      const driver = await fresh();
      const piece = new Uint8Array(2 ** 20).map((_, at) => at % 251);
      const long = (async function* () {
        for (let count = 0; count < 20; count++) yield piece;
      })();
      expect(await driver.create('long', long)).toBe('created');
      expect((await driver.stat('long'))?.bytes).toBe(20 * 2 ** 20);
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
      expect((await driver.stat('torn'))?.bytes).toBeUndefined();
    });

    it('tells a missing object from a missing bucket, whatever their names are', () => {
      const notFound = (message: string) => Object.assign(new Error(message), { code: 404 });
      expect(isAbsent(notFound('No such object: my-bucket/prefix/store.json'))).toBe(true);
      expect(isAbsent(notFound('Not Found'))).toBe(true);
      expect(isAbsent(notFound('The specified bucket does not exist.'))).toBe(false);
      expect(isAbsent(Object.assign(new Error('x'), { code: 500 }))).toBe(false);
    });

    it('sends what it expects with each write: that nothing is there, or the generation that it read', async () => {
      await behindFaults(server, { share: 0, seed: 1 }, async (proxy) => {
        const driver = await fresh();
        await driver.create('small', new Uint8Array(3));
        await driver.create(
          'large',
          (async function* () {
            for (let count = 0; count < 10; count++) yield new Uint8Array(2 ** 20);
          })(),
        );
        const first = await driver.swapPointer('pointer', 'a', undefined);
        await driver.swapPointer('pointer', 'b', first);
        const begun = proxy.requests.filter((request) => /^POST .*uploadType=/.test(request));
        expect(begun.map((request) => /ifGenerationMatch=(\d+)/.exec(request)?.[1])).toEqual(['0', '0', '0', first]);
        expect(begun[1]).toContain('uploadType=resumable');
      });
    });

    it('takes a write that was done, and whose answer was lost, for its own', async () => {
      await behindFaults(server, { share: 0.4, seed: 3, only: /^POST /, kinds: ['lost'] }, async (proxy) => {
        const driver = await fresh();
        let version: string | undefined;
        for (let count = 0; count < 3; count++) {
          expect(await driver.create(`object-${count}`, new Uint8Array([count]))).toBe('created');
          version = await driver.swapPointer('pointer', `value ${count}`, version);
        }
        expect(await driver.create('object-0', new Uint8Array(1))).toBe('exists');
        expect(await driver.readPointer('pointer')).toMatchObject({ text: 'value 2', version });
        expect(proxy.counts.get('lost')).toBeGreaterThan(1);
      });
    }, 60_000);

    it('takes a large write that was done, and whose last answer was lost, for its own', async () => {
      // The second of two chunks.
      const kinds = ['slow', 'lost', 'slow', 'slow', 'slow', 'slow', 'slow', 'slow'] as const;
      await behindFaults(server, { share: 1, seed: 1, only: /^PUT /, kinds }, async (proxy) => {
        const driver = await fresh();
        const long = Array.from({ length: 9 }, (_, at) => new Uint8Array(2 ** 20).fill(at));
        expect(await driver.create('a', asStream(long))).toBe('created');
        expect((await driver.stat('a'))?.bytes).toBe(9 * 2 ** 20);
        expect(proxy.counts.get('lost')).toBe(1);
      });
    }, 60_000);

    it('removes by generation, at the wire too', async () => {
      await behindFaults(server, { share: 0, seed: 1 }, async (proxy) => {
        const driver = await fresh();
        await driver.create('a', new Uint8Array(1));
        const version = (await driver.stat('a'))?.version;
        await driver.remove('a');
        await driver.create('b', new Uint8Array(1));
        await driver.remove('b', (await driver.stat('b'))?.version);
        const deletions = proxy.requests.filter((request) => request.startsWith('DELETE '));
        expect(deletions).toEqual([
          expect.stringContaining(`ifGenerationMatch=${version}`),
          // A touch changes no generation.
          expect.stringContaining('ifMetagenerationMatch=1'),
        ]);
      });
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

async function* asStream(chunks: readonly Uint8Array[]): AsyncIterable<Uint8Array> {
  yield* chunks;
}
