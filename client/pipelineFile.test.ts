// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is what this file is about
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, vi } from 'vitest';
import { readPipeline } from './pipelineFile.ts';

const folder = mkdtempSync(join(tmpdir(), 'furrow-file-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('sends the worker the variables that values take, and none that the file only mentions', async () => {
  vi.stubEnv('LABEL', 'from the shell');
  vi.stubEnv('DATABASE_URL', 'planted-in-a-comment');
  vi.stubEnv('WANDB_API_KEY', 'planted-secret-1');
  vi.stubEnv('MY_TOKEN', 'planted-secret-2');
  const file = join(folder, 'mentions.yaml');
  writeFileSync(
    file,
    [
      '# ${WANDB_API_KEY} and ${DATABASE_URL} are not for here',
      'name: mentions',
      'stages:',
      "  one: { uses: pass, with: { label: '${LABEL} $${MY_TOKEN}' } }",
    ].join('\n'),
  );
  const { content, outcome } = await readPipeline(file, {});
  expect(outcome.ok && outcome.pipeline.stages[0]?.with.label).toBe('from the shell ${MY_TOKEN}');
  expect(content.env).toEqual({ LABEL: 'from the shell' });
  expect(JSON.stringify(content)).not.toContain('planted');
});
