/** What `source:` of a `fetchData` stage can say, read without looking at the source itself. */
import { FurrowError } from './errors.ts';
import { looksSecret } from './redact.ts';
import { suggest } from './suggest.ts';

export type SourceAddress =
  /** A folder; `path` is relative to the run's base folder, or absolute. */
  | { readonly scheme: 'file'; readonly path: string }
  /** What lies below a prefix of a bucket of Google Cloud Storage. */
  | { readonly scheme: 'gs'; readonly bucket: string; readonly prefix: string }
  /** What DVC keeps: of a `.dvc` file, a `dvc.lock` or all below a folder; `path` as for `file`. */
  | { readonly scheme: 'dvc'; readonly path: string; readonly rev?: string; readonly remote?: string }
  /** One file of a web server. */
  | ({ readonly scheme: 'web' } & WebFile)
  | ArchiveAddress
  | { readonly scheme: 'synthetic'; readonly plots: SyntheticPlots };

/** A file of a web server, known by its contents. */
export interface WebFile {
  /** `http://…` or `https://…`, without what follows `#`. */
  readonly url: string;
  /** Of the file as it is sent; hexadecimal. */
  readonly sha256: string;
  readonly name: string;
}

/** The files in an archive of a web server. */
export interface ArchiveAddress extends WebFile {
  readonly scheme: 'archive';
  readonly format: ArchiveFormat;
  /** In the archive: what lies below it is the source. Empty for all. */
  readonly folder: string;
}

/** `tar`: packed with gzip or not at all. */
export type ArchiveFormat = 'zip' | 'tar';

/** A made-up nitrogen trial; see lib/data/synthetic. */
export interface SyntheticPlots {
  readonly train: number;
  readonly test: number;
  readonly seed: number;
  /** Pixels: rows, columns. */
  readonly height: number;
  readonly width: number;
  /** Strength of the sensor's noise; 1 is a usual one, 0 none. */
  readonly noise: number;
}

/** Every scheme, with an example. */
export const sourceSchemes = {
  file: 'file:data/plots',
  gs: 'gs://bucket/plots',
  dvc: 'dvc:data/plots.dvc?rev=v1.2',
  https: 'https://host/plots.zip#sha256=HEX',
  synthetic: 'synthetic:plots?train=120&test=40&seed=7',
} as const;

/**
 * @throws FurrowError `SOURCE_UNKNOWN_SCHEME` for a scheme that is not in {@link sourceSchemes}; `CONFIG_INVALID` when what
 * follows the scheme is wrong.
 */
export function parseSource(source: string): SourceAddress {
  const [, scheme, rest] = /^([a-z][a-z0-9+.-]*):(.*)$/is.exec(source) ?? [];
  if (scheme === 'file') return { scheme, path: folderPath(rest ?? '', source) };
  if (scheme === 'gs') return { scheme, ...bucketAddress(rest ?? '', source) };
  if (scheme === 'dvc') return { scheme, ...dvcAddress(rest ?? '', source) };
  if (scheme === 'http' || scheme === 'https') return webAddress(source);
  if (scheme === 'synthetic') return { scheme, plots: syntheticPlots(rest ?? '', source) };
  const known = Object.entries(sourceSchemes).map(([name, example]) => `\`${name}:\` (as in \`${example}\`)`);
  throw new FurrowError(
    'SOURCE_UNKNOWN_SCHEME',
    `Expected a source that begins with ${known.join(' or ')}, got \`${withoutSecrets(source)}\``,
    { details: { schemes: Object.keys(sourceSchemes) } },
  );
}

function folderPath(rest: string, source: string): string {
  // file:///abs, file://localhost/abs (RFC 8089), file:relative. Spaces and % are taken as they are: these are paths, not URLs.
  const path = rest.startsWith('//') ? rest.slice(2).replace(/^localhost(?=\/)/, '') : rest;
  if (rest.startsWith('//') && !path.startsWith('/')) {
    throw invalid(
      source,
      `names a host; write \`file:${path}\` for a relative folder, \`file:///…\` for an absolute one`,
    );
  }
  if (path === '' || path.includes('\0')) throw invalid(source, 'names no folder');
  return path;
}

function bucketAddress(rest: string, source: string): { bucket: string; prefix: string } {
  const [, bucket, prefix = ''] = /^\/\/([a-z0-9][a-z0-9._-]{1,220}[a-z0-9])(?:\/(.*))?$/s.exec(rest) ?? [];
  const path = prefix.replace(/\/+$/, '');
  if (!bucket || (path !== '' && path.split('/').some((segment) => ['', '.', '..'].includes(segment)))) {
    throw invalid(source, 'names no bucket; write `gs://bucket` or `gs://bucket/prefix`');
  }
  return { bucket, prefix: path };
}

function dvcAddress(rest: string, source: string): { path: string; rev?: string; remote?: string } {
  const [path = '', query = ''] = rest.split(/\?(.*)/s);
  const given = new URLSearchParams(query);
  const unknown = [...given.keys()].find((name) => name !== 'rev' && name !== 'remote');
  if (unknown !== undefined) throw invalid(source, `has an unknown parameter \`${unknown}\`. Known: rev, remote`);
  const [rev, remote] = [given.get('rev'), given.get('remote')];
  // What a variable that is not set leaves: other contents than were meant.
  if (rev === '' || remote === '') throw invalid(source, `has an empty \`${rev === '' ? 'rev' : 'remote'}\``);
  return { path: folderPath(path, source), ...(rev && { rev }), ...(remote && { remote }) };
}

/** https://pip.pypa.io writes checksums behind `#`, too: that part of an address is never sent. */
function webAddress(source: string): SourceAddress {
  const [address = '', fragment = ''] = source.split(/#(.*)/s);
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    throw invalid(source, 'is no address');
  }
  const signed = [...url.searchParams.keys()].find((key) => looksSecret(key) || /^x-(goog|amz)-|^sig/i.test(key));
  if (url.username || url.password || signed !== undefined) {
    // It would stand in the run's history.
    throw invalid(
      source,
      `has ${signed === undefined ? 'a user or password' : `\`${signed}\``} in it, which would be kept with the run`,
    );
  }
  const given = new URLSearchParams(fragment);
  const unknown = [...given.keys()].find((key) => !['sha256', 'name', 'folder'].includes(key));
  if (unknown !== undefined)
    throw invalid(source, `has an unknown part \`${unknown}\` behind #. Known: sha256, name, folder`);
  const sha256 = given.get('sha256')?.toLowerCase() ?? '';
  if (!/^[0-9a-f]{64}$/.test(sha256))
    throw invalid(
      source,
      'has to say which contents are meant: add `#sha256=` and the 64 digits that `sha256sum FILE` prints',
    );
  const name = given.get('name') ?? decoded(url.pathname.split('/').at(-1) ?? '');
  if (!isFileName(name)) throw invalid(source, 'does not end with the name of a file; add `&name=plots.zip`');
  const format = archiveFormat(name, source);
  const folder = given.get('folder')?.replace(/^\/+|\/+$/g, '') ?? '';
  if (folder !== '' && !format) throw invalid(source, 'names a folder, and is no archive');
  if (folder !== '' && !folder.split('/').every(isFileName)) throw invalid(source, `has a wrong folder \`${folder}\``);
  const file: WebFile = { url: url.href, sha256, name };
  return format ? { scheme: 'archive', ...file, format, folder } : { scheme: 'web', ...file };
}

/** As it is, where it is no percent-encoding. */
function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function archiveFormat(name: string, source: string): ArchiveFormat | undefined {
  if (/\.zip$/i.test(name)) return 'zip';
  if (/\.(tar|tar\.gz|tgz)$/i.test(name)) return 'tar';
  if (/\.(tar\.\w+|tbz2?|txz|7z|rar|gz|bz2|xz|zst)$/i.test(name))
    throw invalid(source, 'is packed in a way that is not known here; repack it as .zip or .tar.gz');
  return undefined;
}

function isFileName(name: string): boolean {
  return name.length > 0 && !/[/\\\0]/.test(name) && name !== '.' && name !== '..';
}

interface Rule {
  readonly fallback: number;
  readonly least: number;
  readonly most: number;
  readonly whole: boolean;
}

/** 160x106 pixels, 120 and 40 plots: the trial that Furrow was made for. The upper bounds keep a slip from filling a disk. */
const syntheticRules: Readonly<Record<keyof SyntheticPlots, Rule>> = {
  train: { fallback: 120, least: 0, most: 20_000, whole: true },
  test: { fallback: 40, least: 0, most: 20_000, whole: true },
  seed: { fallback: 7, least: 0, most: 2 ** 32 - 1, whole: true },
  height: { fallback: 160, least: 8, most: 2048, whole: true },
  width: { fallback: 106, least: 8, most: 2048, whole: true },
  noise: { fallback: 1, least: 0, most: 10, whole: false },
};

function syntheticPlots(rest: string, source: string): SyntheticPlots {
  const [subject, query = ''] = rest.split(/\?(.*)/s);
  if (subject !== 'plots')
    throw invalid(source, `makes \`${subject}\`, and only \`plots\` can be made: \`synthetic:plots?…\``);
  const given = new Map<string, number>();
  for (const [name, text] of new URLSearchParams(query)) {
    const rule = Object.hasOwn(syntheticRules, name) ? syntheticRules[name as keyof SyntheticPlots] : undefined;
    if (!rule) {
      const meant = suggest(name, Object.keys(syntheticRules));
      const known = Object.keys(syntheticRules).join(', ');
      throw invalid(
        source,
        `has an unknown parameter \`${name}\`${meant ? `; did you mean \`${meant}\`?` : ''} Known: ${known}`,
      );
    }
    if (given.has(name)) throw invalid(source, `says \`${name}\` twice`);
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= rule.least && value <= rule.most) || (rule.whole && !Number.isInteger(value))) {
      const kind = rule.whole ? 'a whole number' : 'a number';
      throw invalid(source, `has \`${name}=${text}\`; expected ${kind} from ${rule.least} to ${rule.most}`);
    }
    given.set(name, value);
  }
  const value = (name: keyof SyntheticPlots): number => given.get(name) ?? syntheticRules[name].fallback;
  const plots = {
    train: value('train'),
    test: value('test'),
    seed: value('seed'),
    height: value('height'),
    width: value('width'),
    noise: value('noise'),
  };
  if (plots.train + plots.test === 0) throw invalid(source, 'makes no plot at all');
  return plots;
}

function invalid(source: string, what: string): FurrowError {
  return new FurrowError('CONFIG_INVALID', `The source \`${withoutSecrets(source)}\` ${what}`);
}

/** An address may carry a password or a signed query; neither goes into a message. */
function withoutSecrets(source: string): string {
  const shown = source.replace(/\/\/[^/@]*@/, '//…@');
  const cut = shown.startsWith('synthetic:') ? shown : shown.replace(/\?.*$/s, '?…');
  return cut.length > 200 ? `${cut.slice(0, 200)}…` : cut;
}
