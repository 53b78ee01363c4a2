/** What every driver of a store must do, whatever lies beneath: called by each driver's test. */
import { describe, expect, it } from 'vitest';
import { FurrowError } from '../../../contract/errors.ts';
import type { StoreDriver } from '../driver.ts';

/** Racing callers in one test: enough that a lost race shows every time. */
const racers = 20;

/** @param fresh an empty store for each test */
export function describeDriver(name: string, fresh: () => Promise<StoreDriver>): void {
  describe(`${name}: objects`, () => {
    it('gives back what was written, once and for all', async () => {
      const driver = await fresh();
      expect(await driver.create('objects/one', bytes('first'))).toBe('created');
      expect(await driver.create('objects/one', bytes('second'))).toBe('exists');
      expect(await read(driver, 'objects/one')).toBe('first');
      expect((await driver.stat('objects/one'))?.bytes).toBe(5);
    });

    it('lets exactly one of racing writers win, whole', async () => {
      const driver = await fresh();
      const contents = Array.from({ length: racers }, (_, racer) => String(racer).repeat(50_000));
      const outcomes = await Promise.all(contents.map((content) => driver.create('raced', pieces(content))));
      expect(outcomes.filter((outcome) => outcome === 'created')).toHaveLength(1);
      expect(await read(driver, 'raced')).toBe(contents[outcomes.indexOf('created')]);
    });

    it('takes and gives streams, empty ones too', async () => {
      const driver = await fresh();
      const long = 'field'.repeat(700_000);
      await driver.create('streams/long', pieces(long));
      await driver.create('streams/empty', pieces(''));
      expect(await read(driver, 'streams/long')).toBe(long);
      expect((await driver.stat('streams/long'))?.bytes).toBe(long.length);
      expect(await read(driver, 'streams/empty')).toBe('');
      expect((await driver.stat('streams/empty'))?.bytes).toBe(0);
    });

    it('leaves nothing at the name when the writer is interrupted, and nothing in lists', async () => {
      const driver = await fresh();
      const interrupted = (async function* () {
        yield bytes('half of');
        throw new Error('the writer went away');
      })();
      await expect(driver.create('torn/object', interrupted)).rejects.toThrow('the writer went away');
      expect((await driver.stat('torn/object'))?.bytes).toBeUndefined();
      expect(await driver.list('torn/')).toEqual([]);
      expect(await driver.create('torn/object', bytes('whole'))).toBe('created');
    });

    it('says that an object is absent, even where its name is the folder of others', async () => {
      const driver = await fresh();
      await driver.create('folder/object', bytes('x'));
      for (const absent of ['nothing', 'folder', 'folder/object/below', 'no/such/folder']) {
        expect(await driver.open(absent), absent).toBeUndefined();
        expect(await driver.read(absent), absent).toBeUndefined();
        expect((await driver.stat(absent))?.bytes, absent).toBeUndefined();
      }
    });

    it('lists what is below a prefix, sorted, and forgets what is removed', async () => {
      const driver = await fresh();
      for (const name of ['a/2', 'a/1/deep', 'a/10', 'ab/1', 'b/1']) await driver.create(name, bytes('x'));
      expect(await driver.list('a/')).toEqual(['a/1/deep', 'a/10', 'a/2']);
      await driver.remove('a/10');
      await driver.remove('a/10');
      expect(await driver.list('a/')).toEqual(['a/1/deep', 'a/2']);
      expect(await driver.list('none/')).toEqual([]);
      expect(await driver.create('a/10', bytes('again'))).toBe('created');
    });

    it('lets exactly one of racing writers of large objects win, and says so to the others', async () => {
      const driver = await fresh();
      const contents = ['a', 'b'].map((letter) => letter.repeat(9 * 2 ** 20));
      const outcomes = await Promise.all(contents.map((content) => driver.create('raced', pieces(content))));
      expect(outcomes.toSorted()).toEqual(['created', 'exists']);
      expect(await read(driver, 'raced')).toBe(contents[outcomes.indexOf('created')]);
      expect(await driver.create('raced', pieces(contents[0] as string))).toBe('exists');
    });

    it('says of each object its size, when it was written, and which writing it is', async () => {
      const driver = await fresh();
      const before = Date.now();
      await driver.create('e/1', bytes('one'));
      await driver.create('e/2', bytes('three'));
      const [first, second, ...more] = await driver.entries('e/');
      expect([first, second, more]).toMatchObject([{ name: 'e/1', bytes: 3 }, { name: 'e/2', bytes: 5 }, []]);
      expect(first).toEqual({ name: 'e/1', ...(await driver.stat('e/1')) });
      expect(Math.abs((first?.at ?? 0) - before)).toBeLessThan(60_000);
      expect(await driver.stat('e/3')).toBeUndefined();
      expect(await driver.entries('none/')).toEqual([]);
    });

    it('leaves what was touched, or made anew, to whoever did so', async () => {
      const driver = await fresh();
      const versionOf = async () => (await driver.stat('t'))?.version;
      expect(await driver.touch('t')).toBe(false);
      await driver.create('t', bytes('first'));
      const first = await versionOf();
      expect(await driver.touch('t')).toBe(true);
      const touched = await versionOf();
      expect(touched).not.toBe(first);
      await driver.remove('t', first);
      expect(await read(driver, 't')).toBe('first');
      await driver.remove('t', touched);
      expect(await driver.stat('t')).toBeUndefined();
      await driver.create('t', bytes('second'));
      await driver.remove('t', touched);
      expect(await read(driver, 't')).toBe('second');
    });

    it('says where things are', async () => {
      const driver = await fresh();
      expect(driver.uriOf('a/b')).toBe(`${driver.uri}/a/b`);
    });

    it.each(unsafe)('refuses the name %j', async (name) => {
      const driver = await fresh();
      await expect(async () => driver.create(name, bytes('x'))).rejects.toThrow(TypeError);
      await expect(async () => driver.open(name)).rejects.toThrow(TypeError);
      await expect(async () => driver.remove(name)).rejects.toThrow(TypeError);
      await expect(async () => driver.swapPointer(name, 'x', undefined)).rejects.toThrow(TypeError);
      await expect(async () => driver.list(`${name}/`)).rejects.toThrow(TypeError);
      await expect(async () => driver.listPointers(`${name}/`)).rejects.toThrow(TypeError);
    });
  });

  describe(`${name}: pointers`, () => {
    it('moves from absent to a version, and from each version to the next', async () => {
      const driver = await fresh();
      expect(await driver.readPointer('p/x')).toBeUndefined();
      const first = await driver.swapPointer('p/x', 'one', undefined);
      expect(await driver.readPointer('p/x')).toMatchObject({ text: 'one', version: first });
      const second = await driver.swapPointer('p/x', 'two', first);
      expect(second).not.toBe(first);
      expect(await driver.readPointer('p/x')).toMatchObject({ text: 'two', version: second });
    });

    it('refuses a version that is not the newest, and leaves the value', async () => {
      const driver = await fresh();
      const first = await driver.swapPointer('p', 'one', undefined);
      const second = await driver.swapPointer('p', 'two', first);
      for (const stale of [undefined, first, '999999999']) {
        await expect(driver.swapPointer('p', 'three', stale)).rejects.toMatchObject({ code: 'STORE_CONFLICT' });
      }
      expect(await driver.readPointer('p')).toMatchObject({ text: 'two', version: second });
      await expect(driver.swapPointer('absent', 'x', first)).rejects.toMatchObject({ code: 'STORE_CONFLICT' });
      expect(await driver.readPointer('absent')).toBeUndefined();
    });

    it.each(['absent', 'present'])('lets exactly one of racing swaps of an %s pointer win', async (before) => {
      const driver = await fresh();
      const expected = before === 'present' ? await driver.swapPointer('p', 'start', undefined) : undefined;
      const outcomes = await Promise.all(
        Array.from({ length: racers }, (_, racer) =>
          driver.swapPointer('p', `racer ${racer}`, expected).catch((error: unknown) => error),
        ),
      );
      const won = outcomes.flatMap((outcome, racer) => (typeof outcome === 'string' ? [racer] : []));
      expect(won).toHaveLength(1);
      expect((await driver.readPointer('p'))?.text).toBe(`racer ${won[0]}`);
      const lost = outcomes.filter((outcome) => typeof outcome !== 'string');
      expect(lost.every((error) => error instanceof FurrowError && error.code === 'STORE_CONFLICT')).toBe(true);
    });

    it('removes a pointer at a version, and none that moved on; it can then be made again', async () => {
      const driver = await fresh();
      const first = await driver.swapPointer('m/x', 'one', undefined);
      const second = await driver.swapPointer('m/x', 'two', first);
      expect(await driver.removePointer('m/x', first)).toBe(false);
      expect(await driver.readPointer('m/x')).toMatchObject({ text: 'two' });
      expect(await driver.removePointer('m/x', second)).toBe(true);
      expect(await driver.readPointer('m/x')).toBeUndefined();
      expect(await driver.listPointers('m/')).toEqual([]);
      const again = await driver.swapPointer('m/x', 'three', undefined);
      expect(await driver.pointerEntries('m/')).toMatchObject([{ name: 'm/x', version: again, bytes: 5 }]);
    });

    it('says of each pointer its version, and when it was set', async () => {
      const driver = await fresh();
      const first = await driver.swapPointer('e/x', 'one', undefined);
      const second = await driver.swapPointer('e/x', 'three', first);
      await driver.swapPointer('e/y/z', '', undefined);
      const [x, z, ...more] = await driver.pointerEntries('e/');
      expect([x, z, more]).toMatchObject([{ name: 'e/x', version: second, bytes: 5 }, { name: 'e/y/z', bytes: 0 }, []]);
      const read = await driver.readPointer('e/x');
      // A server may say it in whole seconds.
      expect(Math.abs((read?.at ?? 0) - (x?.at ?? 0))).toBeLessThan(2000);
      expect(Math.abs((read?.at ?? 0) - Date.now())).toBeLessThan(60_000);
    });

    it('lists pointers by name, however often they changed', async () => {
      const driver = await fresh();
      const first = await driver.swapPointer('runs/b/2', 'x', undefined);
      await driver.swapPointer('runs/b/2', 'y', first);
      await driver.swapPointer('runs/a/1', 'x', undefined);
      await driver.swapPointer('elsewhere', 'x', undefined);
      expect(await driver.listPointers('runs/')).toEqual(['runs/a/1', 'runs/b/2']);
      expect(await driver.listPointers('none/')).toEqual([]);
    });
  });
}

const unsafe = ['../out', 'a/../../out', '/etc/out', 'a//b', 'a/./b', 'a\\..\\b', 'C:out', 'nul\0', '.hidden', 'a b'];

async function read(driver: StoreDriver, name: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of (await driver.open(name)) ?? []) chunks.push(chunk);
  const streamed = Buffer.concat(chunks).toString();
  // Both ways to read give the same.
  expect(Buffer.from((await driver.read(name)) ?? []).toString()).toBe(streamed);
  return streamed;
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

async function* pieces(text: string): AsyncIterable<Uint8Array> {
  for (let at = 0; at < text.length; at += 70_001) {
    yield bytes(text.slice(at, at + 70_001));
    // Lets racing writers run in between.
    await new Promise((resolve) => setImmediate(resolve));
  }
}
