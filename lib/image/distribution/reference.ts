import type { Digest } from '../../../contract/artifact.ts';

/** An image's address in a registry: `host[:port]/repository[:tag][@digest]`. */
export interface Reference {
  /** With the port, where it names one. */
  readonly host: string;
  readonly repository: string;
  readonly tag: string | undefined;
  readonly digest: Digest | undefined;
}

/** OCI distribution spec 1.1, "Pulling manifests": what a repository and a tag may be. */
const repositoryPattern = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
export const tagPattern = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
const digestPattern = /^sha256:[0-9a-f]{64}$/;
const hostPattern = /^(?:\[[0-9a-fA-F:]+\]|[a-zA-Z0-9.-]+)(?::\d{1,5})?$/;

/** The address, or undefined where `text` is none. The host must be said: there is no registry that everybody means. */
export function parseReference(text: string): Reference | undefined {
  const [, host = '', rest = ''] = /^([^/]+)\/(.+)$/.exec(text) ?? [];
  const [, repository = '', tag, digest] = /^([^:@]+)(?::([^@]+))?(?:@(.+))?$/.exec(rest) ?? [];
  const looksLikeHost = hostPattern.test(host) && (/[.:]/.test(host) || host === 'localhost');
  if (!looksLikeHost || !repositoryPattern.test(repository)) return undefined;
  if (tag !== undefined && !tagPattern.test(tag)) return undefined;
  if (digest !== undefined && !digestPattern.test(digest)) return undefined;
  return { host, repository, tag, digest: digest as Digest | undefined };
}

/** Plain HTTP on this machine alone, as all OCI clients do. */
export function originOf(host: string): string {
  const name = host.replace(/:\d+$/, '');
  const loopback = name === 'localhost' || name === '[::1]' || /^127(\.\d{1,3}){3}$/.test(name);
  // Docker Hub's registry does not answer under its own name.
  const answering = host === 'docker.io' ? 'registry-1.docker.io' : host;
  return `${loopback ? 'http' : 'https'}://${answering}`;
}
