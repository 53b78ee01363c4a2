/** What the pages say of sources and failures is what the product knows; docs.test.ts runs the page that is all commands. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { failures } from '../contract/errors.ts';
import { evaluationFiles, modelFiles } from '../contract/model.ts';
import { fetchData } from '../contract/stages/fetchData.ts';
import { work } from '../contract/work.ts';
import { productRoot } from '../lib/code/root.ts';
import { failuresTable } from './harness/failuresTable.ts';

const pages = readdirSync(join(productRoot, 'docs')).filter((name) => name.endsWith('.md'));
const textOf = (page: string) => readFileSync(join(productRoot, 'docs', page), 'utf8');
const blocks = (text: string, language: string) =>
  [...text.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gs'))].map(([, body = '']) => body);

describe.each(pages)('docs/%s', (page) => {
  const text = textOf(page);

  it('names failures that there are', () => {
    const variables = /^(FURROW|GOOGLE|HTTPS?|FOREST|TF|TEMPORAL|WANDB)_/;
    const named = [...text.matchAll(/`([A-Z]{2,}(?:_[A-Z]+)+)`/g)].map(([, name = '']) => name);
    expect(named.filter((name) => !variables.test(name) && !Object.hasOwn(failures, name))).toEqual([]);
  });

  it('shows pipelines and sources that are understood', () => {
    const shown = blocks(text, 'yaml')
      .map((block) => parse(block) as { stages?: Record<string, { uses: string; with?: unknown }> } | null)
      .flatMap((pipeline) => Object.values(pipeline?.stages ?? {}))
      .filter(({ uses }) => uses === fetchData.name)
      .map((stage) => stage.with);
    const inTables = [...text.matchAll(/^\| `((?:dvc|gs|https?|file|synthetic):[^`]+)`/gm)].map(([, source]) => ({
      source,
    }));
    for (const params of [...shown, ...inTables]) {
      const { error } = fetchData.params.safeParse(params);
      expect(error?.issues, JSON.stringify(params)).toBeUndefined();
    }
  });

  it('links to pages and files that are there', () => {
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link = '']) => link);
    for (const link of links) expect(() => readFileSync(join(productRoot, 'docs', link)), link).not.toThrow();
  });
});

describe('docs/failures.md', () => {
  it('has the table of the code, row for row', () => {
    expect(textOf('failures.md')).toContain(failuresTable());
  });
});

describe('docs/figures.md', () => {
  it('explains every figure that an evaluation has, and the files of numbers behind them', () => {
    const explained = [...textOf('figures.md').matchAll(/^\| `(figures\/[\w-]+)` \|/gm)].map(([, name]) => name);
    expect(explained).toEqual(Object.values(evaluationFiles.figures));
    for (const name of [evaluationFiles.predictions, modelFiles.learningCurve, modelFiles.runLog])
      expect(textOf('figures.md')).toContain(`\`${name}\``);
  });
});

describe('docs/reliability.md', () => {
  const seconds = { s: 1, min: 60, h: 3600, d: 86_400 } as const;
  const inSeconds = (text: string) => {
    const [, amount = '', unit = 's'] = /^([\d.]+) (s|min|h|d)$/.exec(text.trim()) ?? [];
    return Number(amount) * seconds[unit as keyof typeof seconds];
  };

  it('has the timeouts and attempts of the code for each kind of work', () => {
    const rows = [...textOf('reliability.md').matchAll(/^\| `(\w+)` \|([^|]*)\|([^|]*)\|([^|]*)\|([^|]*)\|/gm)];
    const told = rows.map(([, kind = '', startToClose = '', heartbeat = '', attempts, backoff = '']) => [
      kind,
      {
        ...{ startToClose: inSeconds(startToClose), heartbeat: inSeconds(heartbeat) },
        ...{ attempts: Number(attempts), firstBackoff: inSeconds(backoff) },
      },
    ]);
    expect(Object.fromEntries(told)).toEqual(work);
  });
});
