import { describe, expect, test } from 'vitest';
import { FurrowError } from '../../../contract/errors.ts';
import { longestMessage } from '../../../contract/redact.ts';
import { type BadInput, failOnBadInput } from './badInput.ts';
import { readCsv } from './csv.ts';
import { filenameTarget } from './filenameTarget.ts';
import { groupFiles } from './groupFiles.ts';
import { readLabels } from './labels.ts';

const bands = ['green', 'red', 'red_edge', 'nir'];
const filesOf = (plot: string): string[] => bands.map((band) => `${plot}_${band}.tif`);

describe('files become plots', () => {
  test('the longest band name counts: red_edge is not the red band of another plot', () => {
    const { plots, problems } = groupFiles(
      filesOf('train/lower_left_100kg_Nitrogen_B2').reverse(),
      '{plot}_{band}.tif',
      bands,
    );
    expect(problems).toEqual([]);
    expect(plots).toEqual([
      {
        plot: 'lower_left_100kg_Nitrogen_B2',
        folder: 'train',
        files: filesOf('train/lower_left_100kg_Nitrogen_B2'),
      },
    ]);
  });

  test('bands that nobody asked for are left aside, also when their name begins like one that was', () => {
    const { plots, ignored, problems } = groupFiles(
      ['red_edge_p1.tif', 'red_p1.tif', 'nir_p1.tif', 'notes.txt'],
      '{band}_{plot}.tif',
      ['red', 'nir'],
    );
    expect([plots.length, problems.length, ignored]).toEqual([1, 0, 2]);
  });

  test('a file of an unasked band is known by its plot, whatever characters part them', () => {
    const plots = ['a', 'a_b', 'c', 'd', 'e'].flatMap((plot) => [`${plot}_red.tif`, `${plot}_nir.tif`]);
    const found = groupFiles([...plots, 'a_b_x_y.tif', 'a_z.tif', 'other_z.tif'], '{plot}_{band}.tif', ['red', 'nir']);
    expect(found.problems).toMatchObject([
      { kind: 'extra-band', plot: 'a_b', place: 'a_b_x_y.tif', what: expect.stringContaining('band x_y') },
      { kind: 'extra-band', plot: 'a', place: 'a_z.tif', what: expect.stringContaining('band z') },
    ]);
    expect(found.ignored).toBe(1);
  });

  test('a pattern may have folders, and a plot keeps the folders that are no split', () => {
    const { plots } = groupFiles(['test/may/p1/red.tif', 'test/june/p1/red.tif'], '{plot}/{band}.tif', ['red']);
    expect(plots.map(({ plot, folder }) => [plot, folder])).toEqual([
      ['june/p1', 'test'],
      ['may/p1', 'test'],
    ]);
  });

  test('without {band} a file holds all bands', () => {
    expect(groupFiles(['train/p1.tif'], '{plot}.tif', bands).plots).toEqual([
      { plot: 'p1', folder: 'train', files: ['train/p1.tif'] },
    ]);
  });

  test('dots in a pattern are dots, endings may be in capitals', () => {
    expect(groupFiles(['p1_redXtif'], '{plot}_{band}.tif', ['red']).plots).toEqual([]);
    expect(groupFiles(['p1_RED.TIF'], '{plot}_{band}.tif', ['red']).plots).toHaveLength(1);
  });

  test('missing and second files, and plots in two splits, are problems, each with its place', () => {
    const files = [
      ...filesOf('train/a').slice(1),
      ...filesOf('train/b'),
      'train/b_NIR.tif',
      ...filesOf('train/c'),
      ...filesOf('test/c'),
      ...filesOf('train/d'),
    ];
    const { plots, problems } = groupFiles(files, '{plot}_{band}.tif', bands);
    expect(plots.map(({ plot }) => plot)).toEqual(['a', 'b', 'c', 'd']);
    expect(plots[0]?.files).toEqual([undefined, ...filesOf('train/a').slice(1)]);
    expect(problems.map(({ kind, plot }) => [kind, plot])).toEqual([
      ['missing-band', 'a'],
      ['extra-file', 'b'],
      ['extra-file', 'c'],
    ]);
    expect(problems[0]?.what).toContain('green');
    expect(problems[2]?.what).toContain('test/ and train/');
  });
});

test.each([
  ['lower_left_100kg_Nitrogen_B2', 100],
  ['lower_right_zerokg_Nitrogen_A5', 0],
  ['lower_right_zero_kg_Nitrogen_A5', 0],
  ['12.5kg_x', 12.5],
  ['may/upper_300KG', 300],
  ['lower_left_Nitrogen_B2', undefined],
  ['100kg_or_200kg', undefined],
  ['x100kgs', undefined],
])('the target of %s is %s', (plot, target) => {
  expect(filenameTarget(plot)).toBe(target);
});

describe('CSV', () => {
  test('quotes, doubled quotes, line breaks within quotes, CRLF, a byte order mark, empty lines, no last newline', () => {
    const text = '\uFEFFplot,"the ""note"""\r\na, 1 \r\n\r\n"b,\r\nc",\n d ,2';
    expect(readCsv(text)).toEqual([
      { line: 1, values: ['plot', 'the "note"'] },
      { line: 2, values: ['a', '1'] },
      { line: 4, values: ['b,\r\nc', ''] },
      { line: 6, values: ['d', '2'] },
    ]);
  });

  test('a quote that is not closed says where', () => {
    expect(() => readCsv('a,b\n1,"2\n3,4')).toThrow('Line 2');
  });

  test('nothing is nothing', () => {
    expect(readCsv('')).toEqual([]);
    expect(readCsv('\n\n')).toEqual([]);
  });
});

describe('labels', () => {
  const columns = { file: 'labels.csv', plot: 'plot', target: 'kg', split: 'split', group: 'place' };

  test('every flawed row is listed, the others are read', () => {
    const text = [
      'plot,split,place,kg',
      'a,train,x,1',
      'b,train,x,',
      'c,holdout,x,1',
      'd,test,y,2',
      'd,test,y,3',
      ',test,y,3',
      'e,test,y',
      'f,test,,1',
    ].join('\n');
    const { byPlot, problems } = readLabels(text, columns);
    expect([...byPlot.keys()]).toEqual(['a']);
    expect(byPlot.get('a')).toMatchObject({ target: 1, split: 'train', group: 'x' });
    expect(problems.map(({ place }) => place)).toEqual([3, 4, 6, 7, 8, 9].map((line) => `labels.csv line ${line}`));
  });

  test('columns that are not there are all named, each with the one that was meant', () => {
    const { problems, unusable } = readLabels('plot,split,nitrogen_kg\n', { ...columns, target: 'nitrogen_kgs' });
    expect(unusable).toBe(true);
    expect(problems.map(({ what }) => what)).toEqual([
      expect.stringContaining('`nitrogen_kgs`; did you mean `nitrogen_kg`?'),
      expect.stringContaining('no column `place`'),
    ]);
  });

  test.each([
    [undefined, 'is not in the source'],
    ['', 'is empty'],
    ['a,"b', 'is no CSV file'],
  ])('a file that says %j is unusable', (text, what) => {
    expect(readLabels(text, columns)).toMatchObject({
      unusable: true,
      problems: [{ kind: 'bad-labels', place: 'labels.csv', what: expect.stringContaining(what) }],
    });
  });
});

describe('the list of bad input', () => {
  const problems = (count: number, name: string): BadInput[] =>
    Array.from({ length: count }, (_, i) => ({
      kind: 'no-valid-pixel',
      place: `train/${name}${String(i).padStart(3, '0')}.tif`,
      what: `The band red has no valid pixel, whichever of ${'its many '.repeat(8)}pixels is looked at`,
    }));

  test('names the kind of fault where there is no room for sentences', () => {
    const short: BadInput = { kind: 'missing-band', place: 'p1', what: 'has no file for the band red' };
    const error = catchError(() => failOnBadInput([...problems(89, 'p'), short]));
    expect(error.message.split('\n')).toHaveLength(91);
    expect(error.message).toContain('  p1: has no file for the band red');
    expect(error.message).toContain('  train/p088.tif: no valid pixel');
  });

  test('is one line a place', () => {
    const twice: BadInput[] = [
      { kind: 'missing-band', place: 'p', what: 'has no red' },
      { kind: 'no-label', place: 'p', what: 'has no row' },
    ];
    expect(catchError(() => failOnBadInput(twice)).message).toBe(
      '1 file or plot is not usable:\n  p: has no red; has no row',
    );
  });

  test('is short enough for history, and counts what it leaves out', () => {
    for (const name of ['p', 'x'.repeat(300)]) {
      const error = catchError(() => failOnBadInput(problems(5000, name)));
      expect(error.message.length).toBeLessThanOrEqual(longestMessage);
      const lines = error.message.split('\n');
      expect(lines.at(-1)).toContain(`and ${5000 - (lines.length - 2)} more`);
      expect(error.details).toEqual({ count: 5000, kinds: { 'no-valid-pixel': 5000 } });
    }
  });
});

function catchError(act: () => void): FurrowError {
  try {
    act();
  } catch (error) {
    if (error instanceof FurrowError) return error;
  }
  throw new Error('Expected a FurrowError');
}
