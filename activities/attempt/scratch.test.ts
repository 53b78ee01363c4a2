import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeScratch, removeScratch, scratchPrefix, sweepScratch } from './scratch.ts';

it("sweeps what a killed worker of this host left, and nobody else's", async () => {
  const own = await makeScratch();
  const dead = spawnSync(process.execPath, ['-e', '']).pid;
  const left = join(tmpdir(), `${scratchPrefix}${dead}-abc`);
  const foreign = join(tmpdir(), `furrow-another.host-${dead}-abc`);
  for (const folder of [left, foreign]) mkdirSync(join(folder, 'features'), { recursive: true });
  await sweepScratch();
  expect(existsSync(left)).toBe(false);
  expect([own, foreign].map((folder) => existsSync(folder))).toEqual([true, true]);
  for (const folder of [own, foreign]) await removeScratch(folder);
  expect(existsSync(foreign)).toBe(false);
});
