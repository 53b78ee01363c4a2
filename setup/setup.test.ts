import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { crc32, deflateRawSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { build, buildReady } from './build.mjs';
import { cacheRoot, commitFolder } from './cache.mjs';
import { downloadFile, proxyFor } from './download.mjs';
import { reason, SetupFailure } from './failure.mjs';
import { findTemporal, findTensorflow, passedOverTemporals } from './locate.mjs';
import { withLock } from './lock.mjs';
import { packagesReady } from './packages.mjs';
import * as pins from './pins.mjs';
import { startStep } from './progress.mjs';
import { extractFromTarGz } from './tar.mjs';
import { ensureTemporal } from './temporal-cli.mjs';
import { cachedTemporal, isBelow, writeOrigin } from './temporal-find.mjs';
import {
  bindingIn,
  entryFolder,
  findIntact,
  linkInto,
  packageFolder,
  readManifest,
  writeManifest,
} from './tensorflow-layout.mjs';
import { installOfficially } from './tensorflow-official.mjs';
import { findWheel, WHEEL } from './tensorflow-wheel.mjs';
import { extractEntry, listZip } from './zip.mjs';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'furrow-setup-'));
  vi.stubEnv('FURROW_CACHE', join(folder, 'cache'));
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

describe('zip', () => {
  it('unpacks stored and deflated entries', async () => {
    const path = writeZip([
      { name: 'stored.txt', data: Buffer.from('as it is'), deflated: false },
      { name: 'deep/deflated.bin', data: Buffer.alloc(300_000, 'furrow '), deflated: true },
      { name: 'empty', data: Buffer.alloc(0), deflated: false },
    ]);
    const entries = await listZip(path);
    expect(entries.map(({ name }) => name)).toEqual(['stored.txt', 'deep/deflated.bin', 'empty']);
    for (const entry of entries) await extractEntry(path, entry, join(folder, 'out', entry.name));
    expect(readFileSync(join(folder, 'out', 'stored.txt'), 'utf8')).toBe('as it is');
    expect(readFileSync(join(folder, 'out', 'deep/deflated.bin')).equals(Buffer.alloc(300_000, 'furrow '))).toBe(true);
    expect(readFileSync(join(folder, 'out', 'empty')).length).toBe(0);
  });

  it.each([false, true])(
    'refuses an entry whose content was changed, and leaves nothing (deflated: %s)',
    async (deflated) => {
      const data = Buffer.from('nitrogen '.repeat(100));
      const path = writeZip([{ name: 'a', data, deflated }]);
      const bytes = readFileSync(path);
      const at = 30 + 1 + 8;
      bytes.writeUInt8(bytes.readUInt8(at) ^ 0xff, at);
      writeFileSync(path, bytes);
      const [entry] = await listZip(path);
      if (!entry) throw new Error('no entry');
      await expect(extractEntry(path, entry, join(folder, 'out', 'a'))).rejects.toThrow();
      expect(readdirSync(join(folder, 'out'))).toEqual([]);
    },
  );

  it('refuses a file that is cut off', async () => {
    const path = writeZip([{ name: 'a', data: Buffer.alloc(1000), deflated: false }]);
    writeFileSync(path, readFileSync(path).subarray(0, 500));
    await expect(listZip(path)).rejects.toThrow(/not a zip file, or cut off/);
  });

  it.each(['../outside', '/etc/passwd', 'a/../../b', 'C:\\windows'])('refuses the name %s', async (name) => {
    const path = writeZip([{ name, data: Buffer.from('x'), deflated: false }]);
    await expect(listZip(path)).rejects.toThrow(/outside of its folder/);
  });
});

describe('tar', () => {
  it('takes one file out of an archive of several', async () => {
    const wanted = Buffer.alloc(100_000, 'temporal');
    const archive = join(folder, 'a.tar.gz');
    writeFileSync(
      archive,
      gzipSync(
        Buffer.concat([tarMember('LICENSE', Buffer.from('MIT')), tarMember('temporal', wanted), Buffer.alloc(1024)]),
      ),
    );
    await extractFromTarGz(archive, 'temporal', join(folder, 'temporal'));
    expect(readFileSync(join(folder, 'temporal')).equals(wanted)).toBe(true);
    await expect(extractFromTarGz(archive, 'absent', join(folder, 'absent'))).rejects.toThrow(/holds no absent/);
    expect(readdirSync(folder).filter((name) => name.includes('absent'))).toEqual([]);
  });
});

describe('download', () => {
  let server: Server;
  let base: string;
  const body = Buffer.from('a wheel');
  const digest = createHash('sha256').update(body).digest('hex');

  beforeEach(async () => {
    server = createServer((request, response) => {
      if (request.url === '/moved') return response.writeHead(302, { location: '/file' }).end();
      if (request.url === '/short')
        return response.writeHead(200, { 'content-length': '100' }).write(body, () => response.destroy());
      if (request.url === '/silent') return undefined;
      if (request.url === `/json/${WHEEL.project}/`) {
        response.setHeader('content-type', 'application/vnd.pypi.simple.v1+json');
        return response.end(
          JSON.stringify({
            files: [
              { filename: 'other.whl', url: 'no' },
              { filename: WHEEL.file, url: '../../f/w.whl' },
            ],
          }),
        );
      }
      if (request.url === `/html/${WHEEL.project}/`) {
        response.setHeader('content-type', 'text/html');
        return response.end(`<a href="/x/other.whl">x</a> <a href="/packages/${WHEEL.file}#sha256=0">w</a>`);
      }
      return request.url === '/file' ? response.end(body) : response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    vi.stubEnv('http_proxy', '');
    vi.stubEnv('ALL_PROXY', '');
    vi.stubEnv('all_proxy', '');
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  it('follows a redirect and checks the digest', async () => {
    const to = join(folder, 'in', 'file');
    expect(await downloadFile(`${base}/moved`, to, { sha256: digest })).toBe(digest);
    expect(readFileSync(to)).toEqual(body);
  });

  it.each([
    ['another digest', '/file', /refused/],
    ['a broken connection', '/short', /./],
    ['an error page', '/absent', /answers 404/],
    ['silence', '/silent', /does not answer within/],
  ])('leaves nothing after %s', async (_case, path, message) => {
    const failed = downloadFile(`${base}${path}`, join(folder, 'in', 'file'), {
      sha256: '0'.repeat(64),
      timeoutMs: 200,
    });
    expect(reason(await failed.catch((error: unknown) => error))).toMatch(message);
    expect(existsSync(join(folder, 'in')) ? readdirSync(join(folder, 'in')) : []).toEqual([]);
  });

  it('finds the wheel in an index of either form', async () => {
    expect(await findWheel(`${base}/json`)).toBe(`${base}/f/w.whl`);
    expect(await findWheel(`${base}/html/`)).toBe(`${base}/packages/${WHEEL.file}`);
    await expect(findWheel(`${base}/none/`)).rejects.toThrow(/404/);
  });

  it('goes through the proxy that the environment names, except where it says not to', () => {
    const env = { HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: 'localhost,.inside.org' };
    expect(proxyFor(new URL('https://pypi.org/x'), env)?.host).toBe('proxy:3128');
    expect(proxyFor(new URL('https://a.inside.org/x'), env)).toBeUndefined();
    expect(proxyFor(new URL('http://pypi.org/x'), env)).toBeUndefined();
  });
});

describe('lock', () => {
  it('lets two processes in one after the other', async () => {
    const path = join(folder, 'x.lock');
    const log = join(folder, 'log');
    const script = `
      import { appendFileSync } from 'node:fs';
      import { withLock } from ${JSON.stringify(new URL('./lock.mjs', import.meta.url).href)};
      await withLock(${JSON.stringify(path)}, async () => {
        appendFileSync(${JSON.stringify(log)}, 'in ');
        await new Promise((resolve) => setTimeout(resolve, 100));
        appendFileSync(${JSON.stringify(log)}, 'out ');
      }, { pollMs: 20 });`;
    const ended = () =>
      new Promise((resolve) =>
        spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' }).on('close', resolve),
      );
    expect(await Promise.all([ended(), ended(), ended()])).toEqual([0, 0, 0]);
    expect(readFileSync(log, 'utf8')).toBe('in out in out in out ');
    expect(readdirSync(folder)).toEqual(['log']);
  });

  it('is taken over from an owner that is dead', async () => {
    const path = join(folder, 'x.lock');
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    writeFileSync(path, JSON.stringify({ pid, host: hostname(), token: 'gone' }));
    const longAgo = new Date(Date.now() - 10_000);
    utimesSync(path, longAgo, longAgo);
    expect(await withLock(path, async () => 'done')).toBe('done');
    expect(existsSync(path)).toBe(false);
  });

  it('is not taken from an owner that lives, however quiet for a while', async () => {
    const path = join(folder, 'x.lock');
    writeFileSync(path, JSON.stringify({ pid: process.pid, host: hostname(), token: 'living' }));
    const earlier = new Date(Date.now() - 10_000);
    utimesSync(path, earlier, earlier);
    const onWait = vi.fn();
    const waiting = withLock(path, async () => 'done', { onWait, pollMs: 10 });
    await vi.waitFor(() => expect(onWait).toHaveBeenCalledOnce());
    rmSync(path);
    expect(await waiting).toBe('done');
  });

  it('is released when the work fails', async () => {
    const path = join(folder, 'x.lock');
    await expect(withLock(path, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('cache', () => {
  it('lies where FURROW_CACHE, XDG_CACHE_HOME or the platform says', () => {
    expect(cacheRoot({ FURROW_CACHE: folder, XDG_CACHE_HOME: '/x' }, 'linux')).toBe(folder);
    expect(cacheRoot({ XDG_CACHE_HOME: folder }, 'linux')).toBe(join(folder, 'furrow'));
    expect(cacheRoot({}, 'linux')).toMatch(/\.cache.furrow$/);
    expect(cacheRoot({}, 'darwin')).toMatch(/Library.Caches.furrow$/);
    expect(cacheRoot({ LOCALAPPDATA: folder }, 'win32')).toBe(join(folder, 'furrow'));
  });

  it('keeps the old entry when building a new one fails', async () => {
    const entry = join(folder, 'entry');
    await commitFolder(entry, async (aside) => writeFileSync(join(aside, 'a'), '1'));
    await expect(commitFolder(entry, () => Promise.reject(new Error('compiler')))).rejects.toThrow('compiler');
    expect(readFileSync(join(entry, 'a'), 'utf8')).toBe('1');
    expect(readdirSync(folder)).toEqual(['entry']);
  });
});

describe('TensorFlow in a checkout', () => {
  it('is linked from the cache with its digests, and missed when a file is gone', async () => {
    mkdirSync(packageFolder(folder), { recursive: true });
    writeFileSync(join(packageFolder(folder), 'package.json'), '{"version":"4.22.0"}');
    expect(findTensorflow(folder)).toEqual({ missing: expect.stringContaining('npm run setup') });

    const entry = entryFolder({ tfjs: '4.22.0', libtensorflow: '2.13.1' });
    mkdirSync(join(entry, 'deps', 'lib'), { recursive: true });
    mkdirSync(join(bindingIn(entry), '..'), { recursive: true });
    writeFileSync(bindingIn(entry), 'addon');
    writeFileSync(join(entry, 'deps', 'lib', 'libtensorflow_cc.so.2'), '\x7fELF library');
    symlinkSync('libtensorflow_cc.so.2', join(entry, 'deps', 'lib', 'libtensorflow.so'));
    await writeManifest(entry, { tfjs: '4.22.0', libtensorflow: '2.13.1', origin: 'a test' });
    linkInto(folder, entry);
    expect(findTensorflow(folder)).toMatchObject({
      version: '2.13.1',
      origin: 'a test',
      files: {
        'deps/lib/libtensorflow_cc.so.2': createHash('sha256').update('\x7fELF library').digest('hex'),
        'lib/napi-v8/tfjs_binding.node': createHash('sha256').update('addon').digest('hex'),
      },
      bindingPath: bindingIn(packageFolder(folder)),
    });

    writeFileSync(bindingIn(entry), 'half');
    expect(readManifest(entry)).toBeUndefined();
    expect(findTensorflow(folder)).toHaveProperty('missing');
  });
});

// The stand-ins are packed by tar as on Linux and macOS, and the compiler is a program that fails.
describe.skipIf(process.platform === 'win32')('libtensorflow of the TensorFlow.js team', () => {
  const addon = anyAddon();
  const archive = 'tensorflow/libtensorflow/stand-in.tar.gz';
  const prebuilt = `tf-builds/pre-built-binary/napi-v8/4.22.0/CPU-${process.platform}-4.22.0.tar.gz`;
  let server: Server;

  beforeEach(async () => {
    server = createServer((request, response) => {
      const path = join(folder, 'host', request.url ?? '');
      return existsSync(path) ? response.end(readFileSync(path)) : response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    vi.stubEnv('TFJS_NODE_CDN_STORAGE', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    vi.stubEnv('CXX', 'false');
    for (const name of ['http_proxy', 'ALL_PROXY', 'all_proxy']) vi.stubEnv(name, '');
    pack(archive, 'lib/libtensorflow.dylib', Buffer.from('a library'));
    pack(prebuilt, 'napi-v8/tfjs_binding.node', readFileSync(addon));
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  it('is refused with another digest than the pinned one, and leaves nothing', async () => {
    await expect(install('0'.repeat(64))).rejects.toThrow(/refused/);
    expect(existsSync(entryFolder({ tfjs: '4.22.0', libtensorflow: '2.9.1' }))).toBe(false);
    expect(readdirSync(join(folder, 'cache', 'downloads'))).toEqual([]);
  });

  it('is taken with the pinned one, and says which archives it is made of', async () => {
    const sha256 = digestOf(archive);
    const entry = await install(sha256);
    expect(readManifest(entry)).toMatchObject({
      origin: expect.stringContaining('with the prebuilt addon'),
      originSha256: sha256,
      addonSha256: digestOf(prebuilt),
    });
    expect(await findIntact('4.22.0', [{ version: '2.9.1', sha256 }])).toBe(entry);
    // Another pin for the same version: what lies there does not count.
    expect(await findIntact('4.22.0', [{ version: '2.9.1', sha256: '0'.repeat(64) }])).toBeUndefined();
  });

  it('is not linked when a file of it was changed since, of the same size', async () => {
    const sha256 = digestOf(archive);
    const entry = await install(sha256);
    writeFileSync(join(entry, 'deps/lib/libtensorflow.dylib'), 'A library');
    expect(await findIntact('4.22.0', [{ version: '2.9.1', sha256 }])).toBeUndefined();
    expect(existsSync(entry)).toBe(false);
  });

  it('takes the prebuilt addon that came first, and no other under its name', async () => {
    await install(digestOf(archive));
    pack(prebuilt, 'napi-v8/tfjs_binding.node', Buffer.concat([readFileSync(addon), Buffer.from('more')]));
    await expect(install(digestOf(archive))).rejects.toThrow(/when it was first downloaded here: refused/);
  });

  it('with an addon that does not load does not enter the cache', async () => {
    pack(prebuilt, 'napi-v8/tfjs_binding.node', Buffer.from('for another processor'));
    await expect(install(digestOf(archive))).rejects.toThrow(/does not load/);
    expect(existsSync(entryFolder({ tfjs: '4.22.0', libtensorflow: '2.9.1' }))).toBe(false);
  });

  function install(sha256: string): Promise<string> {
    const out = new PassThrough() as unknown as NodeJS.WriteStream;
    const step = startStep('a test', { out });
    const pin = { version: '2.9.1', path: archive, sha256 };
    return installOfficially({ root: folder, tfjs: '4.22.0', step, archive: pin }).finally(() => step.done());
  }

  function pack(path: string, member: string, content: Buffer): void {
    const to = join(folder, 'host', path);
    mkdirSync(join(to, '..'), { recursive: true });
    writeFileSync(to, gzipSync(Buffer.concat([tarMember(member, content), Buffer.alloc(1024)]), { level: 1 }));
  }

  function digestOf(path: string): string {
    return createHash('sha256')
      .update(readFileSync(join(folder, 'host', path)))
      .digest('hex');
  }
});

it('every native download is pinned by a sha256, for each system that CI runs on', () => {
  const { archives, wheel } = pins.tensorflow;
  for (const system of ['linux-x64', 'darwin-arm64', 'win32-x64'] as const) {
    expect(archives[system].sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(pins.temporal.sha256[system]).toMatch(/^[0-9a-f]{64}$/);
  }
  expect(wheel.sha256).toMatch(/^[0-9a-f]{64}$/);
});

// The stand-ins for the program are shell scripts.
describe.skipIf(process.platform === 'win32')('Temporal CLI', () => {
  it('on PATH is used when its server is new enough, and asked once', () => {
    const path = writeProgram(
      'new',
      'temporal',
      'echo asked >> "$0.log"; echo "temporal version 1.6.0 (Server 1.30.2, UI 2.43.0)"',
    );
    const expected = { path, version: '1.6.0', serverVersion: '1.30.2', from: 'PATH' };
    expect(findTemporal({ PATH: join(folder, 'new') })).toEqual(expected);
    expect(findTemporal({ PATH: join(folder, 'new') })).toEqual(expected);
    expect(readFileSync(`${path}.log`, 'utf8')).toBe('asked\n');
  });

  it('on PATH is passed over for a later one when it is too old, with the reason', () => {
    const old = writeProgram('old', 'temporal', 'echo "temporal version 0.10.7 (Server 1.22.0, UI 2.21.0)"');
    const fresh = writeProgram('new', 'temporal', 'echo "temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)"');
    expect(findTemporal({ PATH: [join(folder, 'old'), join(folder, 'new')].join(delimiter) })?.path).toBe(fresh);
    expect(passedOverTemporals({ PATH: join(folder, 'old') })).toEqual([
      { path: old, why: 'its server is 1.22.0, 1.29.0 or later is needed' },
    ]);
  });

  it('is passed over when it is another program of that name', () => {
    writeProgram('odd', 'temporal', 'echo "unknown flag" >&2; exit 2');
    expect(findTemporal({ PATH: join(folder, 'odd') })).toBeUndefined();
    expect(passedOverTemporals({ PATH: join(folder, 'odd') })[0]?.why).toMatch(/says "unknown flag" \(exit code 2\)/);
  });

  it('in the cache says how it came there, also after its file was touched', () => {
    const path = cachedTemporal();
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, '#!/bin/sh\necho "temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)"\n', { mode: 0o755 });
    expect(findTemporal({ PATH: '' })).toMatchObject({ version: '1.5.1', from: 'cache' });
    writeOrigin(path, { version: '1.5.1', from: 'temporal.download' });
    expect(findTemporal({ PATH: '' })).toMatchObject({ version: '1.5.1', from: 'temporal.download' });
    utimesSync(path, new Date(), new Date(Date.now() - 5000));
    rmSync(join(folder, 'cache', 'temporal', 'known.json'));
    expect(findTemporal({ PATH: '' })).toMatchObject({ version: '1.5.1', from: 'temporal.download' });
  });

  it('built by a plain `go install` has the version of its module', () => {
    const says = 'echo "temporal version 0.0.0-DEV (Server 1.29.1, UI 2.42.1)"; exit 0';
    // As Go writes it into a program, across the bounds of what is read at a time.
    const info = `${'x'.repeat((4 << 20) - 40)}\npath\tx\nmod\tgithub.com/temporalio/cli\tv1.5.1\th1:abc=\n`;
    writeProgram('built', 'temporal', `${says}\n${info}`);
    expect(findTemporal({ PATH: join(folder, 'built') })).toMatchObject({ version: '1.5.1', from: 'PATH' });
    const path = cachedTemporal();
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, `#!/bin/sh\n${says}\n${info}`, { mode: 0o755 });
    expect(findTemporal({ PATH: '' })).toMatchObject({ version: '1.5.1', from: 'go install' });
  });

  it('that cannot be had by any way names every way and what to do', async () => {
    vi.stubEnv('PATH', join(folder, 'nothing'));
    // Nothing listens on the discard port: neither host nor Go is there.
    vi.stubEnv('HTTPS_PROXY', 'http://127.0.0.1:9');
    vi.stubEnv('NO_PROXY', '');
    vi.stubEnv('no_proxy', '');
    const failure: unknown = await ensureTemporal().catch((error: unknown) => error);
    if (!(failure instanceof SetupFailure)) throw new Error('expected a SetupFailure');
    expect(failure.report()).toMatch(
      /why: temporal\.download: .*proxy 127\.0\.0\.1:9[\s\S]*go install: there is no Go here[\s\S]*What to do:[\s\S]*docs\.temporal\.io/,
    );
    expect(existsSync(join(folder, 'cache', 'temporal', '.lock'))).toBe(false);
  });
});

describe('build', () => {
  it.each(['setup/locate.mjs', 'setup/pins.mjs', 'bin/furrow.js', 'lib/a.ts'])(
    'is made again after an edit of %s',
    async (path) => {
      for (const file of ['scripts/build.mjs', 'dist/.keep', 'setup/pins.mjs', path]) {
        mkdirSync(join(folder, file, '..'), { recursive: true });
        writeFileSync(join(folder, file), '');
      }
      await build(folder);
      expect(buildReady(folder)).toBe(true);
      writeFileSync(join(folder, path), 'edited');
      expect(buildReady(folder)).toBe(false);
    },
  );
});

describe('npm packages', () => {
  it('installed by hand as the lock says need no set-up; a newer lock does', () => {
    const entry = { version: '1.0.0', integrity: 'sha512-a' };
    const write = (path: string, packages: object) => writeFileSync(join(folder, path), JSON.stringify({ packages }));
    mkdirSync(join(folder, 'node_modules', 'a'), { recursive: true });
    writeFileSync(join(folder, 'node_modules', 'a', 'package.json'), '{}');
    write('package-lock.json', {
      '': {},
      'node_modules/a': entry,
      'node_modules/other-platform': { ...entry, optional: true },
    });
    expect(packagesReady(folder)).toBe(false);
    write('node_modules/.package-lock.json', { 'node_modules/a': entry });
    expect(packagesReady(folder)).toBe(true);
    write('package-lock.json', { '': {}, 'node_modules/a': { ...entry, version: '1.0.1' } });
    expect(packagesReady(folder)).toBe(false);
  });
});

it('versions compare by number, not by letter', () => {
  expect(isBelow('1.9.0', '1.29.0')).toBe(true);
  expect(isBelow('1.29.0', '1.29.0')).toBe(false);
  expect(isBelow('2.0.0', '1.29.0')).toBe(false);
});

/** Some addon for Node that is here anyhow, to stand for TensorFlow's. */
function anyAddon(): string {
  const modules = join(import.meta.dirname, '..', 'node_modules');
  const folders = ['@rolldown', '@swc'].flatMap((scope) =>
    existsSync(join(modules, scope)) ? readdirSync(join(modules, scope)).map((name) => join(modules, scope, name)) : [],
  );
  const found = folders.flatMap((at) =>
    readdirSync(at)
      .filter((name) => name.endsWith('.node'))
      .map((name) => join(at, name)),
  );
  return found[0] ?? '';
}

function writeProgram(part: string, name: string, script: string): string {
  const path = join(folder, part, name);
  mkdirSync(join(folder, part), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

/** A zip file as any tool writes it: local headers with data, the directory, the end record. */
function writeZip(files: { name: string; data: Buffer; deflated: boolean }[]): string {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, data, deflated } of files) {
    const packed = deflated ? deflateRawSync(data) : data;
    const shared = Buffer.alloc(26);
    shared.writeUInt16LE(20, 0);
    shared.writeUInt16LE(deflated ? 8 : 0, 4);
    shared.writeUInt32LE(crc32(data), 10);
    shared.writeUInt32LE(packed.length, 14);
    shared.writeUInt32LE(data.length, 18);
    shared.writeUInt16LE(Buffer.byteLength(name), 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), shared, Buffer.from(name), packed]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(offset, 10);
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00', 'latin1'), shared, rest, Buffer.from(name)]));
    locals.push(local);
    offset += local.length;
  }
  const listed = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(listed.length, 12);
  end.writeUInt32LE(offset, 16);
  const path = join(folder, 'a.zip');
  writeFileSync(path, Buffer.concat([...locals, listed, end]));
  return path;
}

function tarMember(name: string, data: Buffer): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write(`${data.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write('0', 156);
  header.write('ustar\0', 257);
  // The sum over the header, with its own field as spaces.
  header.fill(' ', 148, 156);
  header.write(
    `${header
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0`,
    148,
  );
  return Buffer.concat([header, data, Buffer.alloc((512 - (data.length % 512)) % 512)]);
}
