import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { gcsPlace, listObjects } from '../data/source/gcsSource.ts';
import { openStore } from '../store/store.ts';

/** Google's own client looks for credentials, and finds none; nothing is sent, as there is nothing to send it with. */
describe('without credentials', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'furrow-home-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  afterEach(() => vi.unstubAllEnvs());

  function alone(credentials: string): void {
    vi.stubEnv('FURROW_GCS_ENDPOINT', undefined);
    vi.stubEnv('HOME', folder);
    vi.stubEnv('CLOUDSDK_CONFIG', folder);
    // No question to the machine's own address for Google's metadata.
    vi.stubEnv('METADATA_SERVER_DETECTION', 'none');
    vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', credentials);
  }

  it.each([
    ['a file that is not there', undefined],
    ['no JSON', 'secret-text'],
    ['a file that holds none', '{}'],
  ])('says so, for a source and for a store, and quotes nothing: %s', async (_, content) => {
    const file = join(folder, 'credentials.json');
    if (content !== undefined) writeFileSync(file, content);
    alone(file);
    const expected = { code: 'CREDENTIALS_MISSING', message: expect.not.stringContaining('secret-text') };
    await expect(listObjects('some-bucket', 'plots')).rejects.toMatchObject(expected);
    await expect(openStore('gs://some-bucket/store', { create: true })).rejects.toMatchObject(expected);
  });

  it.each([
    [401, 'CREDENTIALS_MISSING'],
    [403, 'ACCESS_DENIED'],
  ])('says so when the server answers with %i', async (status, code) => {
    const server = createServer((_, answer) =>
      answer.writeHead(status).end('{"error":{"message":"Anonymous caller"}}'),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    vi.stubEnv('FURROW_GCS_ENDPOINT', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    try {
      await expect(listObjects('some-bucket', 'plots')).rejects.toMatchObject({ code });
      await expect(openStore('gs://some-bucket/store', { create: true })).rejects.toMatchObject({ code });
      const opened = (await gcsPlace()).open({ path: 'a.tif', uri: 'gs://some-bucket/a.tif#1' });
      await expect(opened).rejects.toMatchObject({ code });
    } finally {
      server.close();
    }
  });
});
