import { createHash, randomBytes } from 'node:crypto';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { create } from 'tar';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ZipFile } from 'yazl';
import fetchData from '../../../activities/fetchData.ts';
import { openWorkbench, type Workbench } from '../testing.ts';

/** What the server does with a request for its file; `sent`: how many requests came before. */
type Conduct = (sent: number) => 'whole' | 'broken' | number;

let bench: Workbench;
let server: Server;
let files: Map<string, Buffer>;
let conduct: Conduct;
let knowsRanges: boolean;
let requests: { readonly url: string; readonly range: string | undefined }[];

beforeEach(async () => {
  bench = await openWorkbench();
  files = new Map();
  requests = [];
  conduct = () => 'whole';
  knowsRanges = true;
  server = createServer((request, answer) => {
    const content = files.get(request.url ?? '');
    const acts = conduct(requests.push({ url: request.url ?? '', range: request.headers.range }) - 1);
    if (typeof acts === 'number') return void answer.writeHead(acts).end('no');
    if (!content) return void answer.writeHead(404).end();
    const from = knowsRanges ? Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0) : 0;
    answer.writeHead(from > 0 ? 206 : 200, { 'content-length': content.length - from });
    if (acts === 'whole') return void answer.end(content.subarray(from));
    answer.write(content.subarray(from, from + (content.length >> 2)), () => answer.socket?.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await bench.remove();
});

const sha256 = (content: Buffer) => createHash('sha256').update(content).digest('hex');
const address = (path: string, content = files.get(path) as Buffer, more = '') =>
  `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}#sha256=${sha256(content)}${more}`;
const fetch = async (source: string) => {
  const { artifact, outcome, attachments } = await bench.run(fetchData, { params: { source } });
  const names = (await artifact.files()).map(({ path }) => path);
  return { artifact, names, facts: outcome.facts, attachments };
};

async function tarOf(contents: Readonly<Record<string, string | Buffer>>, gzip = true): Promise<Buffer> {
  const folder = join(bench.folder, `tar-${files.size}`);
  for (const [path, content] of Object.entries(contents)) {
    await mkdir(join(folder, path, '..'), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  return buffer(create({ gzip, cwd: folder, portable: true }, ['.']));
}

async function zipOf(contents: Readonly<Record<string, string | Buffer>>, mode = 0o100644): Promise<Buffer> {
  const zip = new ZipFile();
  for (const [path, content] of Object.entries(contents)) zip.addBuffer(Buffer.from(content), path, { mode });
  zip.end();
  return buffer(zip.outputStream);
}

describe('a file of a web server', () => {
  it('comes with its name and contents, goes on where the connection broke, and is not fetched again', async () => {
    const content = randomBytes(3 * 2 ** 20);
    files.set('/field/plots.npy', content);
    conduct = (sent) => (sent < 2 ? 'broken' : 'whole');
    const { artifact, names, facts } = await fetch(address('/field/plots.npy'));
    expect(names).toEqual(['plots.npy']);
    expect(content.equals(Buffer.from(await artifact.read('plots.npy')))).toBe(true);
    expect(facts).toMatchObject({ bytes: content.length, fetchedBytes: content.length });
    expect(requests.map(({ range }) => range)).toEqual([
      undefined,
      `bytes=${content.length >> 2}-`,
      expect.stringMatching(/^bytes=\d+-$/),
    ]);
    expect((await fetch(address('/field/plots.npy'))).facts).toMatchObject({ fetchedBytes: 0 });
    expect(requests).toHaveLength(3);
  });

  it('comes from a server that knows no ranges, too: what came before the break is passed over', async () => {
    const content = randomBytes(3 * 2 ** 20);
    files.set('/a.npy', content);
    knowsRanges = false;
    conduct = (sent) => (sent === 0 ? 'broken' : 'whole');
    const { artifact } = await fetch(address('/a.npy'));
    expect(content.equals(Buffer.from(await artifact.read('a.npy')))).toBe(true);
    expect(requests.map(({ range }) => range)).toEqual([undefined, expect.stringMatching(/^bytes=\d+-$/)]);
  });

  it('is refused when the server has other contents', async () => {
    files.set('/a.npy', Buffer.from('other'));
    await expect(fetch(address('/a.npy', Buffer.from('meant')))).rejects.toMatchObject({
      code: 'SOURCE_CORRUPT',
      message: expect.stringContaining(sha256(Buffer.from('meant'))),
    });
  });

  it('has a code for each refusal, and is asked again only where that can help', async () => {
    files.set('/a.npy', Buffer.from('a'));
    for (const [status, code, asked] of [
      [404, 'SOURCE_NOT_FOUND', 1],
      [403, 'ACCESS_DENIED', 1],
      [418, 'SOURCE_NOT_FOUND', 1],
    ] as const) {
      requests = [];
      conduct = () => status;
      await expect(fetch(address('/a.npy')), String(status)).rejects.toMatchObject({ code });
      expect(requests).toHaveLength(asked);
    }
    requests = [];
    conduct = (sent) => (sent === 0 ? 503 : 'whole');
    expect((await fetch(address('/a.npy'))).names).toEqual(['a.npy']);
    expect(requests).toHaveLength(2);
  });

  it('has an address that says which contents are meant, and nothing that has to stay secret', () => {
    const refused = (source: string) => fetchData.contract.params.safeParse({ source }).error?.issues[0]?.message;
    const sum = `sha256=${'0'.repeat(64)}`;
    expect(refused('https://host/plots.zip')).toMatch(/#sha256=/);
    expect(refused('https://host/plots.zip#sha256=12')).toMatch(/64 digits/);
    expect(refused(`https://user:pass@host/plots.zip#${sum}`)).toMatch(/user or password/);
    expect(refused(`https://host/plots.zip?X-Goog-Signature=12#${sum}`)).toMatch(/X-Goog-Signature/);
    expect(refused(`https://host/plots.7z#${sum}`)).toMatch(/\.zip or \.tar\.gz/);
    expect(refused(`https://host/#${sum}`)).toMatch(/&name=/);
    expect(refused(`https://host/a.zip#${sum}&folder=../up`)).toMatch(/folder/);
    expect(refused(`https://host/files/plots.zip?download=1#${sum}`)).toBeUndefined();
    expect(refused(`https://host/100%.npy#${sum}`)).toBeUndefined();
    expect(refused('dvc:plots.dvc?rev=')).toMatch(/empty `rev`/);
  });
});

describe('an archive of a web server', () => {
  const plots = { 'trial/train/a_red.tif': 'aa', 'trial/train/b_red.tif': randomBytes(2 ** 21), 'trial/.hidden': 'x' };

  it.each(['zip', 'tar', 'tar.gz'])('comes unpacked: %s', async (kind) => {
    const path = `/plots.${kind}`;
    files.set(path, kind === 'zip' ? await zipOf(plots) : await tarOf(plots, kind !== 'tar'));
    const { names, artifact, facts, attachments } = await fetch(address(path));
    expect(names).toEqual(['trial/train/a_red.tif', 'trial/train/b_red.tif']);
    expect(plots['trial/train/b_red.tif'].equals(Buffer.from(await artifact.read('trial/train/b_red.tif')))).toBe(true);
    expect(facts).toMatchObject({ files: 2, bytes: 2 ** 21 + 2, fetchedBytes: files.get(path)?.length });
    expect(attachments).toEqual(['source.json']);
    const below = await fetch(address(path, undefined, '&folder=trial/train'));
    expect(below.names).toEqual(['a_red.tif', 'b_red.tif']);
    expect(below.facts?.version).not.toBe(facts?.version);
  });

  it('is not fetched again while the store has its files', async () => {
    files.set('/plots.zip', await zipOf(plots));
    await fetch(address('/plots.zip'));
    expect((await fetch(address('/plots.zip'))).facts).toMatchObject({ fetchedBytes: 0, files: 2 });
    expect(requests).toHaveLength(1);
  });

  it('is refused with names that lead out, links, two files of a name, or when it is none', async () => {
    const refused = async (path: string, content: Buffer, code = 'DATA_BAD_INPUT') => {
      files.set(path, content);
      const error: unknown = await fetch(address(path)).catch((cause: unknown) => cause);
      expect(error, path).toMatchObject({ code });
      return (error as Error).message;
    };
    // Of the same length, so that the archive stays whole.
    const renamed = (archive: Buffer, from: string, to: string) =>
      Buffer.from(archive.toString('latin1').replaceAll(from, to), 'latin1');
    const zip = await zipOf({ 'aaaa/b.tif': 'x' });
    expect(await refused('/up.zip', renamed(zip, 'aaaa/b.tif', '../../b.ti'))).toMatch(/\.\.\//);
    expect(await refused('/abs.zip', renamed(zip, 'aaaa/b.tif', '/aaa/b.tif'))).toMatch(/\/aaa/);
    expect(await refused('/link.zip', await zipOf({ 'a.tif': '/etc/passwd' }, 0o120777))).toMatch(/a\.tif.*link/);
    expect(await refused('/twice.zip', renamed(await zipOf({ 'a.tif': 'x', 'b.tif': 'y' }), 'b.tif', 'a.tif'))).toMatch(
      /twice/,
    );
    expect(await refused('/empty.zip', await zipOf({ '.hidden': 'x' }), 'DATA_EMPTY')).toMatch(/no file/);
    expect(await refused('/none.zip', Buffer.from('no archive'))).toMatch(/cannot be unpacked/);
    expect(await refused('/none.tar.gz', Buffer.from('no archive'))).toMatch(/cannot be unpacked|no file/);
    const whole = await tarOf(plots);
    expect(await refused('/cut.tar.gz', whole.subarray(0, whole.length >> 1))).toMatch(/cannot be unpacked/);
    const folder = join(bench.folder, 'linked');
    await mkdir(folder);
    await symlink('/etc/passwd', join(folder, 'a.tif'));
    const linked = await buffer(create({ cwd: folder }, ['.']));
    expect(await refused('/link.tar', linked)).toMatch(/a\.tif.*link/);
    await rm(folder, { recursive: true });
  });
});
