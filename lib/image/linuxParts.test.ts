import { readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { BaseImage } from './base.ts';
import { buildServingImage } from './build.ts';
import { imageOrigin } from './origin.ts';
import { smallRequest } from './testing/smallImage.ts';

const { platform } = process;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'furrow-platform-'));
  Object.defineProperty(process, 'platform', { value: 'darwin' });
});
afterEach(async () => {
  Object.defineProperty(process, 'platform', { value: platform });
  await rm(folder, { recursive: true });
});

it("refuses to put another system's Node into an image, says what to give, and builds nothing", async () => {
  const refused = { code: 'IMAGE_BASE_INVALID', retryable: false, message: expect.stringContaining('`base:`') };
  const request = await smallRequest(folder);
  await expect(buildServingImage(request)).rejects.toMatchObject(refused);
  expect(readdirSync(request.folder)).toEqual([]);
  await expect(imageOrigin(undefined)).rejects.toMatchObject(refused);
});

it("refuses another system's TensorFlow upon a base, too", async () => {
  const request = await smallRequest(folder);
  const base = { copyInto: () => Promise.reject(new Error('asked for')) } as unknown as BaseImage;
  await expect(buildServingImage({ ...request, base, needsTensorflow: true })).rejects.toMatchObject({
    code: 'IMAGE_BASE_INVALID',
    message: expect.stringContaining('TensorFlow'),
  });
  await expect(buildServingImage({ ...request, base })).rejects.toThrow('asked for');
});
