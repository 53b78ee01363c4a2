import { execFileSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readElf } from './elf.ts';
import { libraryClosure } from './libraries.ts';

test.runIf(process.platform === 'linux')("finds for Node what the system's loader finds", async () => {
  const { libraries, interpreter, arch } = await libraryClosure(process.execPath);
  const listed = execFileSync('ldd', [process.execPath], { encoding: 'utf8' });
  const expected = [...listed.matchAll(/^\s*(\S+) => (\S+) \(/gm)].map(([, name, file]) => [
    name,
    realpathSync(String(file)),
  ]);
  expect(libraries.map(({ name, file }) => [name, file])).toEqual(
    expected.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
  );
  expect(listed).toContain(String(interpreter));
  expect(arch).toBe(process.arch);
});

test('what is no ELF file is named', async () => {
  await expect(readElf(import.meta.filename)).rejects.toThrow(/ELF file/);
});
