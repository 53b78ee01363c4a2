import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import fetchData from '../../../../activities/fetchData.ts';
import { gcsProgram, useGcsServer } from '../../../gcs/testing/gcsServer.ts';
import { openWorkbench, type Workbench } from '../../testing.ts';
import { dvcProgram, inFolder } from './testing.ts';

describe.skipIf(!dvcProgram || !gcsProgram)('what DVC keeps', () => {
  const server = useGcsServer();
  let bench: Workbench;
  let repository: string;
  let remote: string;
  let run: ReturnType<typeof inFolder>;

  beforeAll(async () => {
    await server.client.createBucket('plain');
    await server.client.createBucket('versioned', { versioning: { enabled: true } });
    bench = await openWorkbench();
    repository = join(bench.folder, 'project');
    remote = await mkdtemp(join(tmpdir(), 'furrow-dvc-'));
    await mkdir(join(repository, 'data/plots/train'), { recursive: true });
    for (const name of ['a', 'b', 'c'])
      await writeFile(join(repository, `data/plots/train/${name}.tif`), `${name}${name}`);
    await writeFile(join(repository, 'data/labels.csv'), 'plot,kg\na,1\n');
    run = inFolder(repository);
    run('git', 'init', '-q');
    run('dvc', 'init', '-q');
    run('dvc', 'remote', 'add', '-q', '-d', 'here', remote);
    for (const [name, url] of [
      ['cloud', 'gs://plain/cache'],
      ['aware', 'gs://versioned/plots'],
    ] as const) {
      run('dvc', 'remote', 'add', '-q', name, url);
      run('dvc', 'remote', 'modify', '--local', name, 'endpointurl', server.endpoint);
      run('dvc', 'remote', 'modify', '--local', name, 'allow_anonymous_login', 'true');
      run('dvc', 'remote', 'modify', '--local', name, 'projectname', 'test');
    }
    run('dvc', 'remote', 'modify', 'aware', 'version_aware', 'true');
    run('dvc', 'add', '-q', 'data/plots', 'data/labels.csv');
    run('dvc', 'push', '-q');
    run('dvc', 'push', '-q', '-r', 'cloud');
    run('git', 'add', '-A');
    run('git', 'commit', '-qm', 'plots');
    run('git', 'tag', 'v1');
  }, 120_000);
  afterAll(async () => {
    await bench?.remove();
    if (remote) await rm(remote, { recursive: true, force: true });
  });

  const fetch = async (source: string) => {
    const { artifact, outcome } = await bench.run(fetchData, { params: { source } });
    const files = await artifact.files();
    const contents = await Promise.all(
      files.map(async ({ path }) => Buffer.from(await artifact.read(path)).toString()),
    );
    return { facts: outcome.facts, files: Object.fromEntries(files.map(({ path }, at) => [path, contents[at]])) };
  };
  /** With a store that has none of it yet. */
  const elsewhere = async (source: string) => {
    const other = await openWorkbench();
    try {
      return await other.run(fetchData, { params: { source: source.replace('dvc:', `dvc:${bench.folder}/`) } });
    } finally {
      await other.remove();
    }
  };
  const plots = { 'train/a.tif': 'aa', 'train/b.tif': 'bb', 'train/c.tif': 'cc' };

  it('comes from a folder, by md5: a folder of files, one file, and all below a folder', async () => {
    expect((await fetch('dvc:project/data/plots.dvc')).files).toEqual(plots);
    expect((await fetch('dvc:project/data/labels.csv.dvc')).files).toEqual({ 'labels.csv': 'plot,kg\na,1\n' });
    expect(Object.keys((await fetch('dvc:project/data')).files)).toEqual([
      'labels.csv',
      'plots/train/a.tif',
      'plots/train/b.tif',
      'plots/train/c.tif',
    ]);
  });

  it('comes from a bucket, and is the same version, and not fetched again', async () => {
    const there = await fetch('dvc:project/data/plots.dvc?remote=cloud');
    expect(there.files).toEqual(plots);
    expect(there.facts).toMatchObject({ fetchedBytes: 0 });
    expect(there.facts?.version).toBe((await fetch('dvc:project/data/plots.dvc')).facts?.version);
  });

  it('comes over http', async () => {
    const web = createServer((request, answer) => {
      createReadStream(join(remote, request.url ?? ''))
        .on('error', () => answer.writeHead(404).end())
        .pipe(answer);
    });
    await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
    const { port } = web.address() as AddressInfo;
    run('dvc', 'remote', 'add', '-q', '--local', 'web', `http://127.0.0.1:${port}`);
    expect((await fetch('dvc:project/data/plots.dvc?remote=web')).files).toEqual(plots);
    web.closeAllConnections();
    web.close();
    run('dvc', 'remote', 'remove', '--local', 'web');
  });

  it('comes as it was at a revision, though the files have changed since', async () => {
    await writeFile(join(repository, 'data/plots/train/a.tif'), 'new');
    run('dvc', 'add', '-q', 'data/plots');
    run('dvc', 'push', '-q');
    expect((await fetch('dvc:project/data/plots.dvc')).files).toEqual({ ...plots, 'train/a.tif': 'new' });
    const then = await fetch('dvc:project/data/plots.dvc?rev=v1');
    expect(then.files).toEqual(plots);
    expect(then.facts).toMatchObject({ revision: run('git', 'rev-parse', 'v1').trim() });
    expect(Object.keys((await fetch('dvc:project?rev=v1')).files)).toHaveLength(4);
    // A clone without a working copy, as git servers have it; the remote is named with its whole path.
    run('git', 'clone', '-q', '--bare', '.', join(bench.folder, 'project.git'));
    expect(Object.keys((await fetch('dvc:project.git?rev=v1')).files)).toHaveLength(4);
    expect((await fetch('dvc:project.git')).facts).toMatchObject({ revision: run('git', 'rev-parse', 'HEAD').trim() });
    await expect(fetch('dvc:project?rev=v2')).rejects.toMatchObject({ code: 'SOURCE_NOT_FOUND' });
  });

  it('comes from a version-aware remote by generation, though objects were replaced there', async () => {
    run('dvc', 'push', '-q', '-r', 'aware');
    const [object] = await server.client.bucket('versioned').getFiles({ prefix: 'plots/data/plots/train/b.tif' });
    await object[0]?.save('replaced', { resumable: false });
    const there = await fetch('dvc:project/data/plots.dvc?remote=aware');
    expect(there.files).toEqual({ ...plots, 'train/a.tif': 'new' });
    // Two generations of it: what DVC means is the older one.
    const [versions] = await server.client
      .bucket('versioned')
      .getFiles({ prefix: 'plots/data/labels.csv', versions: true });
    for (const version of versions) await version.delete();
    await expect(fetch('dvc:project/data/labels.csv.dvc?remote=aware')).resolves.toMatchObject({
      facts: { fetchedBytes: 0 },
    });
    await expect(elsewhere('dvc:project/data/labels.csv.dvc?remote=aware')).rejects.toMatchObject({
      code: 'SOURCE_NOT_FOUND',
      message: expect.stringContaining('dvc push'),
    });
  });

  it('comes from a stage of dvc.yaml: where it works, and without what git or nobody keeps', async () => {
    const stages = [
      'stages:',
      '  make:',
      '    wdir: data/made',
      '    cmd: mkdir out && echo x > out/x.tif && echo 1 > score.json && echo y > own.tif',
      '    outs: [out, own.tif: { push: false }]',
      '    metrics: [score.json: { cache: false }]',
      '  many:',
      '    foreach: [one, two]',
      '    do:',
      '      wdir: data/made',
      `      cmd: mkdir -p m && echo \${item} > m/\${item}.json && echo \${item} > \${item}.tif`,
      `      outs: ["\${item}.tif"]`,
      `      metrics: ["m/\${item}.json": { cache: false }]`,
      '',
    ];
    await mkdir(join(repository, 'data/made'), { recursive: true });
    await writeFile(join(repository, 'dvc.yaml'), stages.join('\n'));
    run('dvc', 'repro', '-q');
    run('dvc', 'push', '-q');
    const made = { 'data/made/one.tif': 'one\n', 'data/made/out/x.tif': 'x\n', 'data/made/two.tif': 'two\n' };
    expect((await fetch('dvc:project/dvc.lock')).files).toEqual(made);
    expect((await fetch('dvc:project/dvc.yaml')).files).toEqual(made);
    await writeFile(join(repository, 'dvc.yaml'), stages.join('\n').replace('data/made', `data/\${folder}`));
    await expect(fetch('dvc:project/dvc.yaml')).rejects.toMatchObject({ code: 'DATA_BAD_INPUT' });
    await rm(join(repository, 'dvc.yaml'));
    await rm(join(repository, 'dvc.lock'));
  }, 60_000);

  it('says what is wrong: no repository, no remote, nothing pushed, an unknown version of the file, other contents', async () => {
    const refused = (source: string) => fetch(source).catch((error: { code: string; message: string }) => error);
    await mkdir(join(bench.folder, 'bare'), { recursive: true });
    expect(await refused('dvc:bare')).toMatchObject({ code: 'SOURCE_NOT_FOUND' });
    expect(await refused('dvc:project/data/plots.dvc?remote=none')).toMatchObject({
      code: 'SOURCE_NOT_FOUND',
      message: expect.stringContaining('here, cloud, aware'),
    });
    await writeFile(join(repository, 'old.dvc'), 'outs:\n- etag: x\n  path: old\n  md5: 12\n');
    expect(await refused('dvc:project/old.dvc')).toMatchObject({
      code: 'DATA_BAD_INPUT',
      message: expect.stringContaining('old.dvc'),
    });
    const md5 = '0123456789abcdef0123456789abcdef';
    await writeFile(join(repository, 'old.dvc'), `outs:\n- path: old\n  md5: ${md5}\n  size: 3\n  hash: md5\n`);
    expect(await refused('dvc:project/old.dvc')).toMatchObject({ code: 'SOURCE_NOT_FOUND' });
    await mkdir(join(remote, 'files/md5/01'), { recursive: true });
    await writeFile(join(remote, 'files/md5/01', md5.slice(2)), 'xyz');
    expect(await refused('dvc:project/old.dvc')).toMatchObject({
      code: 'SOURCE_CORRUPT',
      message: expect.stringContaining(md5),
    });
    await rm(join(repository, 'old.dvc'));
  }, 60_000);
});
