import { describe, expect, test } from 'vitest';
import { FurrowError } from '../../../contract/errors.ts';
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
    expect(plots.map(({ plot }) => plot)).toEqual(['d']);
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

  test('a column that is not there names the one that was meant', () => {
    expect(() => readLabels('plot,split,place,nitrogen_kg\n', { ...columns, target: 'nitrogen_kgs' })).toThrow(
      'did you mean `nitrogen_kg`?',
    );
  });
});

test('the list of bad input is short enough for history, and counts what it leaves out', () => {
  const problems = Array.from(
    { length: 5000 },
    (_, i): BadInput => ({ kind: 'unreadable', place: `train/${i}_${'x'.repeat(300)}.tif`, what: 'is empty' }),
  );
  const error = catchError(() => failOnBadInput(problems));
  expect(error.message.length).toBeLessThan(5000);
  expect(error.message).toContain('and 4980 more');
  expect(error.details).toEqual({ count: 5000, kinds: { unreadable: 5000 } });
});

function catchError(act: () => void): FurrowError {
  try {
    act();
  } catch (error) {
    if (error instanceof FurrowError) return error;
  }
  throw new Error('Expected a FurrowError');
}
