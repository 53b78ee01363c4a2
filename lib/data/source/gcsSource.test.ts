import { randomBytes, randomUUID } from 'node:crypto';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import fetchData from '../../../activities/fetchData.ts';
import { gcsProgram, useGcsServer } from '../../gcs/testing/gcsServer.ts';
import { openWorkbench, type Workbench } from '../testing.ts';

describe.skipIf(!gcsProgram)('a bucket as a source', () => {
  const server = useGcsServer();
  let bench: Workbench;
  let prefix: string;

  beforeAll(async () => {
    await server.client.createBucket('plots', { versioning: { enabled: true } });
    await server.client.createBucket('unversioned');
  });
  beforeEach(async () => {
    bench = await openWorkbench();
    prefix = randomUUID();
  });
  afterEach(() => bench.remove());

  const put = (name: string, content: string | Buffer, bucket = 'plots') =>
    server.client.bucket(bucket).file(`${prefix}/${name}`).save(content, { resumable: false });
  const fetch = (options: Partial<Parameters<Workbench['run']>[1]> = {}, bucket = 'plots') =>
    bench.run(fetchData, { params: { source: `gs://${bucket}/${prefix}` }, ...options });

  it('is fetched with its names and contents, small and large, and the facts say how much it was', async () => {
    const large = randomBytes(3 * 2 ** 20);
    await put('train/a_red.tif', 'red');
    await put('train/large.tif', large);
    await put('train/empty.tif', '');
    await put('.hidden', 'x');
    await put('folder/', '');
    const { artifact, outcome, attachments } = await fetch();
    expect((await artifact.files()).map(({ path }) => path)).toEqual([
      'train/a_red.tif',
      'train/empty.tif',
      'train/large.tif',
    ]);
    expect(Buffer.from(await artifact.read('train/large.tif')).equals(large)).toBe(true);
    const uri = `gs://plots/${prefix}`;
    expect(outcome.facts).toMatchObject({ uri, files: 3, bytes: large.length + 3, fetchedBytes: large.length + 3 });
    expect(attachments).toEqual(['source.json']);
  });

  it('is fetched as it was resolved, though an object was replaced since', async () => {
    await put('a.tif', 'first');
    const { artifact } = await fetch({ afterResolve: () => put('a.tif', 'second') });
    expect(new TextDecoder().decode(await artifact.read('a.tif'))).toBe('first');
    expect(new TextDecoder().decode(await (await fetch()).artifact.read('a.tif'))).toBe('second');
  });

  it('is not fetched when an object that was resolved is gone', async () => {
    await put('a.tif', 'first', 'unversioned');
    await expect(
      fetch({ afterResolve: () => put('a.tif', 'second', 'unversioned') }, 'unversioned'),
    ).rejects.toMatchObject({ code: 'SOURCE_CHANGED', message: expect.stringContaining(`${prefix}/a.tif#`) });
  });

  it('fetches what is new alone, the second time', async () => {
    await put('a.tif', 'aaaa');
    await put('b.tif', 'bbbb');
    await fetch();
    await put('c.tif', 'cc');
    const { outcome, artifact } = await fetch();
    expect(outcome.facts).toMatchObject({ bytes: 10, fetchedBytes: 2 });
    expect(await artifact.files()).toHaveLength(3);
  });

  it('is the same version under another prefix, and another when a content or a name is', async () => {
    const version = async () => (await fetch()).outcome.facts?.version;
    await put('a.tif', 'aaaa');
    const first = await version();
    prefix = randomUUID();
    await put('a.tif', 'aaaa');
    expect(await version()).toBe(first);
    await put('a.tif', 'aaab');
    expect(await version()).not.toBe(first);
  });

  it('says what is missing: the bucket, or all objects', async () => {
    await expect(fetch({}, 'no-such-bucket')).rejects.toMatchObject({
      code: 'SOURCE_NOT_FOUND',
      message: expect.stringContaining('gs://no-such-bucket'),
    });
    await expect(fetch()).rejects.toMatchObject({ code: 'DATA_EMPTY' });
  });

  it('refuses names that lead out of a folder', async () => {
    await put('a/../../out.tif', 'x');
    await put('ok.tif', 'x');
    await expect(fetch()).rejects.toMatchObject({
      code: 'DATA_BAD_INPUT',
      message: expect.stringContaining('a/../../out.tif'),
    });
  });
});
