import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { productRoot } from '../lib/code/root.ts';

/** What a reader does, in the order of the page: writes a file, or types commands and compares what they say. */
type Step =
  | { readonly kind: 'file'; readonly path: string; readonly content: string }
  | { readonly kind: 'commands'; readonly lines: readonly string[]; readonly says: readonly string[] };

let checkout: string;

beforeAll(() => {
  checkout = copyOfProduct();
});
afterAll(async () => {
  await run('npx furrow down');
  rmSync(checkout, { recursive: true, force: true });
});

describe('docs/add-a-stage.md', () => {
  const page = readFileSync(join(productRoot, 'docs/add-a-stage.md'), 'utf8');

  it('works to the letter', async () => {
    const steps = stepsOf(page);
    expect(steps.filter((step) => step.kind === 'file').map((step) => step.path)).toEqual([
      'activities/bandMeans.ts',
      'configs/band-means.yaml',
      'activities/bandMeans.test.ts',
    ]);
    for (const step of steps) {
      if (step.kind === 'file') {
        mkdirSync(dirname(join(checkout, step.path)), { recursive: true });
        writeFileSync(join(checkout, step.path), step.content);
        continue;
      }
      let said = '';
      for (const line of step.lines) said += await run(line);
      for (const line of step.says) expect(said).toContain(line);
    }
    // As the product's own files: well formed, well typed.
    await run(
      'npx biome check --vcs-enabled=false --error-on-warnings activities/bandMeans.ts activities/bandMeans.test.ts',
    );
    await run('npx vitest run test/schema.test.ts');
    expect(await run('npx tsc --noEmit', { mayFail: true })).not.toContain('bandMeans');
  }, 180_000);
});

/** Code blocks behind a line with a file's name, `sh` blocks, and the `text` blocks that say what comes of them. */
function stepsOf(page: string): Step[] {
  const steps: Step[] = [];
  for (const [, file, language, body = ''] of page.matchAll(/(?:^`([^`\n]+)`\n)?^```(\w+)\n(.*?)^```$/gms)) {
    const last = steps.at(-1);
    if (file) steps.push({ kind: 'file', path: file, content: body });
    else if (language === 'sh') steps.push({ kind: 'commands', lines: body.trim().split('\n'), says: [] });
    else if (language === 'text' && last?.kind === 'commands')
      steps.splice(-1, 1, { ...last, says: body.trimEnd().split('\n') });
    else throw new Error(`Expected a file, commands or what they say, got a block of ${language}:\n${body}`);
  }
  return steps;
}

/** Not spawnSync: minutes of silence, and the test runner gives its worker up. */
async function run(command: string, { mayFail = false } = {}): Promise<string> {
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    PATH: [join(checkout, 'node_modules/.bin'), process.env.PATH].join(delimiter),
    NO_COLOR: '1',
  };
  // Of the test runner that this runs in, of another Temporal: nothing that a reader's shell would not have. But FURROW_CACHE, which
  // says where the set-up has put the Temporal CLI.
  for (const name of Object.keys(env)) {
    if (/^(VITEST|NODE_ENV|NODE_OPTIONS|NODE_V8_COVERAGE|FORCE_COLOR|FURROW_(?!CACHE$)|TEMPORAL_)/.test(name))
      delete env[name];
  }
  const child = spawn(command, { cwd: checkout, env, shell: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  // `exit` and not `close`: what a command leaves running (`furrow up --detach`) may hold its output.
  const [status] = await once(child, 'exit');
  await Promise.race([once(child, 'close'), setTimeout(500)]);
  if (status !== 0 && !mayFail) throw new Error(`${command} ended with ${status}:\n${stdout}${stderr}`);
  return stdout;
}

/** A checkout of its own, with the packages of this one. */
function copyOfProduct(): string {
  const copy = mkdtempSync(join(tmpdir(), 'furrow-docs-'));
  const left = /^(node_modules|dist.*|coverage|\.git|\.furrow|test-results)$/;
  for (const name of readdirSync(productRoot)) {
    if (left.test(name)) continue;
    cpSync(join(productRoot, name), join(copy, name), { recursive: true, filter: (path) => !path.includes('.furrow') });
  }
  symlinkSync(join(productRoot, 'node_modules'), join(copy, 'node_modules'), 'junction');
  return copy;
}
