import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { diskFile, type LayerEntry, textFile } from './entry.ts';
import { tar } from './tar.ts';
import { type TarMember, untar } from './untar.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'furrow-tar-'));
});

afterEach(() => rm(folder, { recursive: true }));

const long = `${'folder-of-a-long-name/'.repeat(8)}file`;
const entries: readonly LayerEntry[] = [
  textFile('b/file', 'x'.repeat(513)),
  textFile('a', ''),
  textFile('b-first', 'exactly a block'.padEnd(512)),
  textFile(long, 'deep', 0o755),
  textFile('größe', 'ü'),
  { kind: 'link', path: 'b/link', target: 'file' },
  { kind: 'directory', path: 'tmp', mode: 0o1777 },
];

test('what is written is read back, owned by root, dated 1970, with the modes that were stated', async () => {
  const members = await readBack(await whole(entries));
  expect(members.map(({ path }) => path)).toEqual(
    ['a', 'b', 'b-first', 'b/file', 'b/link', ...foldersOf(long), long, 'größe', 'tmp'].sort(),
  );
  expect(members.every(({ uid, gid, mtime }) => uid === 0 && gid === 0 && mtime === 0)).toBe(true);
  const byPath = new Map(members.map((member) => [member.path, member]));
  expect(Buffer.from(byPath.get('b/file')?.content ?? []).toString()).toBe('x'.repeat(513));
  expect(byPath.get(long)).toMatchObject({ type: 'file', mode: 0o755, size: 4 });
  expect(byPath.get('b/link')).toMatchObject({ type: 'link', target: 'file' });
  expect(byPath.get('b')).toMatchObject({ type: 'directory', mode: 0o755 });
  expect(byPath.get('tmp')).toMatchObject({ type: 'directory', mode: 0o1777 });
});

test("the system's tar reads it without a complaint", async () => {
  const file = join(folder, 'layer.tar');
  await writeFile(file, await whole(entries));
  const listed = execFileSync('tar', ['--numeric-owner', '--quoting-style=literal', '-tvf', file], {
    encoding: 'utf8',
  });
  expect(listed).toContain(long);
  expect(listed).toMatch(/^drwxrwxrwt 0\/0 .* tmp\/$/m);
  expect(listed).toMatch(/^-rw-r--r-- 0\/0 +513 1970-01-01 .* b\/file$/m);
  expect(listed).toContain('größe');
});

test('the order in which entries are given does not show', async () => {
  expect(await whole([...entries].reverse())).toEqual(await whole(entries));
});

test('a file that grows while it is read fails the layer instead of damaging it', async () => {
  const file = join(folder, 'grows');
  await writeFile(file, Buffer.alloc(3 << 20));
  const read = async () => {
    let grown = false;
    for await (const _ of tar([diskFile('grows', file)])) {
      if (!grown) await writeFile(file, Buffer.alloc(4 << 20));
      grown = true;
    }
  };
  await expect(read()).rejects.toThrow(/changed while/);
});

test('paths that could leave the image, and two entries of one path, are refused', async () => {
  for (const path of ['/etc/passwd', '../x', 'a//b', 'a/./b', '']) {
    await expect(whole([textFile(path, '')])).rejects.toThrow(/plain path/);
  }
  await expect(whole([textFile('a', ''), textFile('a', '')])).rejects.toThrow(/two entries/);
});

test("archives of other programs are read: GNU's long names, and contents passed over", async () => {
  const name = 'n'.repeat(150);
  await writeFile(join(folder, name), 'y'.repeat(2000));
  const archive = execFileSync('tar', ['--format=gnu', '-C', folder, '-cf', '-', name]);
  const [member] = await readBack(archive, 100);
  expect(member).toMatchObject({ path: name, size: 2000, content: new Uint8Array() });
});

async function whole(list: readonly LayerEntry[]): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of tar(list)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function readBack(archive: Buffer, keep?: number): Promise<TarMember[]> {
  // In pieces that fit no block.
  const pieces = async function* () {
    for (let at = 0; at < archive.length; at += 700) yield archive.subarray(at, at + 700);
  };
  const members: TarMember[] = [];
  for await (const member of untar(pieces(), keep)) members.push(member);
  return members;
}

function foldersOf(path: string): string[] {
  const parts = path.split('/');
  return parts.slice(1).map((_, i) => parts.slice(0, i + 1).join('/'));
}
