/** `.dvc/config` and `.dvc/config.local`: which remotes there are, and how contents lie in them. */
import { FurrowError } from '../../../../contract/errors.ts';

export interface DvcRemote {
  readonly name: string;
  /** `gs://…`, `https://…`, or a folder's path, absolute or relative to `.dvc/`. */
  readonly url: string;
  /** Contents lie under their own names, told apart by generations, and not under their md5. */
  readonly byVersion: boolean;
}

export interface DvcConfig {
  readonly defaultRemote: string | undefined;
  readonly remotes: ReadonlyMap<string, DvcRemote>;
}

type Section = Map<string, string>;

/**
 * https://dvc.org/doc/user-guide/project-structure/configuration
 *
 * @param texts in the order in which one overrides the other
 */
export function parseDvcConfig(texts: readonly string[]): DvcConfig {
  const sections = new Map<string, Section>();
  for (const text of texts) parseInto(sections, text);
  const remotes = [...sections].flatMap(([section, options]): [string, DvcRemote][] => {
    const [, name] = /^remote "(.*)"$/.exec(section) ?? [];
    const url = options.get('url');
    if (name === undefined || url === undefined) return [];
    const isTrue = (option: string) => /^(true|1|yes|on)$/i.test(options.get(option) ?? '');
    return [[name, { name, url, byVersion: isTrue('version_aware') || isTrue('worktree') }]];
  });
  return { defaultRemote: sections.get('core')?.get('remote'), remotes: new Map(remotes) };
}

/** @throws FurrowError `SOURCE_NOT_FOUND` when there is no such remote, or none at all */
export function remoteOf({ defaultRemote, remotes }: DvcConfig, wanted: string | undefined): DvcRemote {
  const name = wanted ?? defaultRemote ?? (remotes.size === 1 ? [...remotes.keys()][0] : undefined);
  const remote = name === undefined ? undefined : remotes.get(name);
  if (remote) return remote;
  const known = [...remotes.keys()].join(', ') || 'none';
  throw new FurrowError(
    'SOURCE_NOT_FOUND',
    name === undefined
      ? `The DVC repository names no default remote (it has: ${known}); add \`remote=NAME\` to the source`
      : `The DVC repository has no remote \`${name}\` (it has: ${known})`,
    { details: { remote: name ?? '' } },
  );
}

/** Sections in brackets, some in quotes (`['remote "name"']`), and `option = value`. */
function parseInto(sections: Map<string, Section>, text: string): void {
  let section: Section = new Map();
  for (const raw of text.split(/\r?\n/)) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#') || line.startsWith(';')) continue;
    const [, head] = /^\[\s*'?(.*?)'?\s*\]$/.exec(line) ?? [];
    if (head !== undefined) {
      section = sections.get(head) ?? new Map();
      sections.set(head, section);
      continue;
    }
    const at = line.indexOf('=');
    if (at > 0) section.set(line.slice(0, at).trim().toLowerCase(), line.slice(at + 1).trim());
  }
}
