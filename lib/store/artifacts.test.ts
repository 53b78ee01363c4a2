import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ArtifactRef } from '../../contract/artifact.ts';
import { canonicalJson } from '../../contract/json.ts';
import { openArtifact, stageArtifact } from './artifacts.ts';
import { putBlob } from './blobs.ts';
import { testFolder, testStore } from './testing/testStore.ts';

describe('the digest of an artifact', () => {
  it('is over kind, names and contents, whatever the order, the time and the store', async () => {
    const here = stageArtifact(await testStore(), 'plots');
    await here.add('b.tif', 'B');
    await here.add('deep/a.tif', 'A');
    const file = join(testFolder(), 'source');
    writeFileSync(file, 'A');
    const there = stageArtifact(await testStore(), 'plots');
    await there.addFile('deep/a.tif', file);
    await there.add('b.tif', Buffer.from('B'));
    const [one, two] = [(await here.seal()).ref, (await there.seal()).ref];
    expect(two.digest).toBe(one.digest);
    expect(two.bytes).toBe(one.bytes);
    expect(two.uri).not.toBe(one.uri);
  });

  it.each([
    ['a content', { 'a.txt': 'changed' }, 'plots'],
    ['a name', { 'b.txt': 'content' }, 'plots'],
    ['the kind', { 'a.txt': 'content' }, 'features'],
    ['a further file', { 'a.txt': 'content', 'b.txt': '' }, 'plots'],
  ])('changes with %s', async (_, files, kind) => {
    const store = await testStore();
    const base = stageArtifact(store, 'plots');
    await base.add('a.txt', 'content');
    const other = stageArtifact(store, kind);
    for (const [path, content] of Object.entries(files)) await other.add(path, content);
    expect((await other.seal()).ref.digest).not.toBe((await base.seal()).ref.digest);
  });

  it('leaves out what is attached, which is kept beside it', async () => {
    const store = await testStore();
    const bare = stageArtifact(store, 'model');
    await bare.add('weights', 'w');
    const logged = stageArtifact(store, 'model');
    await logged.add('weights', 'w');
    await logged.attach('run.log', `at ${Date.now()}`);
    const [one, two] = [await bare.seal(), await logged.seal()];
    expect(two.ref).toEqual(one.ref);
    expect(two.attachments.map(({ path }) => path)).toEqual(['run.log']);
  });
});

describe('an artifact', () => {
  it('gives its files whole, in pieces and on disk, and says which it does not have', async () => {
    const store = await testStore();
    const staged = stageArtifact(store, 'plots');
    await staged.add('a/1.tif', 'one');
    await staged.add('a/2.tif', 'two');
    const artifact = openArtifact(store, (await staged.seal()).ref);
    expect((await artifact.files()).map(({ path }) => path)).toEqual(['a/1.tif', 'a/2.tif']);
    expect(Buffer.from(await artifact.read('a/1.tif')).toString()).toBe('one');
    let streamed = '';
    for await (const chunk of artifact.stream('a/2.tif')) streamed += Buffer.from(chunk).toString();
    expect(streamed).toBe('two');
    await expect(artifact.read('a/3.tif')).rejects.toMatchObject({ code: 'ARTIFACT_FILE_UNKNOWN' });
    const folder = testFolder();
    await artifact.materialize(folder, ({ path }) => path.endsWith('2.tif'));
    expect(readFileSync(join(folder, 'a/2.tif'), 'utf8')).toBe('two');
    expect(() => readFileSync(join(folder, 'a/1.tif'))).toThrow();
  });

  it('takes one content a path: the same again, never another', async () => {
    const staged = stageArtifact(await testStore(), 'plots');
    await staged.add('a', 'one');
    await staged.add('a', 'one');
    await expect(staged.add('a', 'two')).rejects.toThrow('added twice');
  });

  it.each(['../out', '/etc/out', 'a/../../out', 'a//b', '', 'a\\b', 'C:\\out', 'C:out', 'nul\0'])(
    'refuses the path %j, written or read',
    async (path) => {
      const store = await testStore();
      await expect(stageArtifact(store, 'plots').add(path, 'x')).rejects.toThrow(TypeError);
      const blob = await putBlob(store, Buffer.from('x'));
      const tree = canonicalJson({ kind: 'plots', files: [{ path, ...blob }] });
      const { digest } = await putBlob(store, Buffer.from(tree));
      const forged: ArtifactRef = { uri: '', digest, kind: 'plots', bytes: 1 };
      await expect(openArtifact(store, forged).materialize(testFolder())).rejects.toThrow(TypeError);
    },
  );
});
