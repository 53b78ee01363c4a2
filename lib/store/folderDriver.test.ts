import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { folderDriver, prepareFolder } from './folderDriver.ts';
import { storeFile } from './names.ts';
import { describeDriver } from './testing/conformance.ts';
import { testFolder } from './testing/testStore.ts';

describeDriver('a store in a folder', async () => {
  const root = storeFolder();
  await prepareFolder(root);
  return folderDriver(root);
});

describe('a folder as a store', () => {
  it('leaves nothing aside, whether a write ended well, lost its race or broke', async () => {
    const root = storeFolder();
    const driver = folderDriver(root);
    await driver.create('name', Buffer.from('x'));
    await driver.create('name', Buffer.from('y'));
    const broken = (async function* () {
      yield Buffer.from('half');
      throw new Error('broken');
    })();
    await driver.create('other', broken).catch(() => {});
    expect(readdirSync(join(root, 'tmp'))).toEqual([]);
  });

  it('removes one writing of a name, and not what was made since', async () => {
    const root = storeFolder();
    const driver = folderDriver(root);
    expect((await driver.stat('a'))?.version).toBeUndefined();
    await driver.create('a', Buffer.from('first'));
    const first = (await driver.stat('a'))?.version;
    await driver.remove('a', first);
    await driver.create('a', Buffer.from('second'));
    await driver.remove('a', first);
    expect(String(await driver.read('a'))).toBe('second');
    await driver.remove('a', (await driver.stat('a'))?.version);
    expect(await driver.read('a')).toBeUndefined();
  });

  it('says that the store is away when the folder cannot be used', async () => {
    const root = join(testFolder(), 'a-file');
    writeFileSync(root, '');
    await expect(folderDriver(root).create('x', Buffer.from('x'))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });
});

it('writes nothing where the store is not there any more: it would lie under what is mounted later', async () => {
  const root = storeFolder();
  const driver = folderDriver(root);
  await driver.create('a/b', Buffer.from('x'));
  rmSync(root, { recursive: true });
  for (const write of [() => driver.create('a/b', Buffer.from('x')), () => driver.swapPointer('p', 'x', undefined)])
    await expect(write()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  expect(existsSync(root)).toBe(false);
  // The empty folder that a drive is mounted on.
  mkdirSync(root);
  await expect(driver.create('a/b', Buffer.from('x'))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  expect(readdirSync(root)).toEqual([]);
});

const disk = join(testFolder(), 'disk');
let mounted = false;

/** A disk of one megabyte, where this process may mount one. */
beforeAll(() => {
  mkdirSync(disk);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk], { stdio: 'ignore' });
    mounted = true;
  } catch {
    // not root, or not Linux: the test below says so
  }
});
afterAll(() => {
  if (mounted) execFileSync('umount', ['-l', disk]);
  rmSync(disk, { recursive: true, force: true });
});

describe('a full disk', () => {
  it('is named as such, and leaves nothing half-written', async ({ skip }) => {
    skip(!mounted, 'a small disk can be mounted by root on Linux only');
    writeFileSync(join(disk, storeFile), '{}');
    const driver = folderDriver(disk);
    const fills = async () => driver.create('large', Buffer.alloc(2 << 20, 1));
    await expect(fills()).rejects.toMatchObject({ code: 'STORE_FULL', retryable: true });
    expect((await driver.stat('large'))?.bytes).toBeUndefined();
    expect(readdirSync(join(disk, 'tmp'))).toEqual([]);
    await expect(driver.swapPointer('p', 'x'.repeat(2 << 20), undefined)).rejects.toMatchObject({ code: 'STORE_FULL' });
    expect(await driver.readPointer('p')).toBeUndefined();
    expect(await driver.create('small', Buffer.from('fits'))).toBe('created');
  });
});

/** A driver writes into a store alone. */
function storeFolder(): string {
  const root = testFolder();
  writeFileSync(join(root, storeFile), '{}');
  return root;
}
