import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { imageValue } from './imageValue.ts';
import { pngOf } from './testing/png.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'furrow-wandb-'));
  file = join(folder, 'figure.png');
});
afterEach(() => rm(folder, { recursive: true }));

describe('imageValue', () => {
  it('says of a PNG what the Python client says', async () => {
    const png = pngOf(20, 10);
    await writeFile(file, png);
    const sha256 = createHash('sha256').update(png).digest('hex');
    const path = `media/images/predictions_7_${sha256.slice(0, 20)}.png`;
    const caption = 'Measured and predicted, kg N/ha';
    expect(await imageValue({ key: 'predictions', step: 7, file, caption })).toEqual({
      path,
      value: {
        _type: 'image-file',
        path,
        format: 'png',
        sha256,
        size: png.length,
        width: 20,
        height: 10,
        caption,
      },
    });
  });

  it.each([
    ['val/predictions', 'val/predictions'],
    ['/val//predictions', 'val/predictions'],
    ['../../etc/./passwd', '_/_/etc/_/passwd'],
    ['a\\b:c*?"<>|\n', 'a_b_c_______'],
    ['Ertrag für Äcker', 'Ertrag für Äcker'],
  ])('names the file of `%s` %s', async (key, named) => {
    await writeFile(file, pngOf(1, 1));
    const { path } = await imageValue({ key, step: 0, file, caption: '' });
    expect(path).toMatch(/^media\/images\/.+_0_[0-9a-f]{20}\.png$/);
    expect(path.slice('media/images/'.length, path.lastIndexOf('_0_'))).toBe(named);
  });

  it.each([
    ['a JPEG', Buffer.from('ffd8ffe000104a46494600010100000100010000ffdb004300080606070605', 'hex')],
    ['empty', Buffer.alloc(0)],
    ['cut in its header', pngOf(20, 10).subarray(0, 32)],
    ['no pixels wide', pngOf(0, 10)],
  ])('refuses a file that is %s', async (_, content) => {
    await writeFile(file, content);
    await expect(imageValue({ key: 'predictions', step: 7, file, caption: '' })).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
      message: 'The image `predictions` is not a PNG: figure.png',
    });
  });

  it('refuses a file that is not there', async () => {
    await expect(imageValue({ key: 'predictions', step: 7, file, caption: '' })).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
      message: 'The image `predictions` cannot be read: figure.png',
      cause: { code: 'ENOENT' },
    });
  });
});
