import { describe, expect, it } from 'vitest';
import type { ArtifactFile, Digest } from '../../contract/artifact.ts';
import { describeDataset, diffDatasets } from './dataset.ts';

const names = { pattern: '{plot}_{band}.tif', bands: ['red', 'nir'] };
const files = (contents: Readonly<Record<string, string>>): ArtifactFile[] =>
  Object.entries(contents).map(([path, content]) => ({ path, digest: `sha256:${content}` as Digest, bytes: 1 }));
const dataset = (contents: Readonly<Record<string, string>>) => describeDataset(files(contents), names);

const before = {
  'train/a_red.tif': '1',
  'train/a_nir.tif': '2',
  'train/b_red.tif': '3',
  'train/b_nir.tif': '4',
  'test/c_red.tif': '5',
  'test/c_nir.tif': '6',
  'labels.csv': '7',
};

describe('the difference of two datasets', () => {
  it('is by plot: added, removed, changed in a file, moved to another split; other files are apart', () => {
    const now = {
      'train/a_red.tif': '1',
      'train/a_nir.tif': 'other',
      'test/b_red.tif': '3',
      'test/b_nir.tif': '4',
      'train/d_red.tif': '8',
      'train/d_nir.tif': '9',
      'labels.csv': '10',
      'notes.txt': '11',
    };
    expect(diffDatasets(dataset(before), dataset(now))).toEqual({
      plots: {
        added: ['d'],
        removed: ['c'],
        changed: [
          { name: 'a', files: ['train/a_nir.tif'] },
          {
            name: 'b',
            files: ['test/b_nir.tif', 'test/b_red.tif', 'train/b_nir.tif', 'train/b_red.tif'],
            moved: { from: 'train', to: 'test' },
          },
        ],
        same: 0,
      },
      others: { added: ['notes.txt'], removed: [], changed: [{ name: 'labels.csv', files: ['labels.csv'] }], same: 0 },
    });
  });

  it('is none between equal ones, in whatever order their files are', () => {
    const turned = describeDataset(files(before).reverse(), names);
    const { plots, others } = diffDatasets(dataset(before), turned);
    expect(plots).toEqual({ added: [], removed: [], changed: [], same: 3 });
    expect(others).toEqual({ added: [], removed: [], changed: [], same: 1 });
  });

  it('tells of a plot that lost a band', () => {
    const { 'train/a_nir.tif': _, ...rest } = before;
    expect(diffDatasets(dataset(before), dataset(rest)).plots.changed).toEqual([
      { name: 'a', files: ['train/a_nir.tif'] },
    ]);
  });

  it('is by file where nothing says how names are read', () => {
    const { plots, others } = describeDataset(files(before), undefined);
    expect([plots.size, others.length]).toEqual([7, 0]);
  });
});
