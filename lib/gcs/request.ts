/** Questions to Cloud Storage that change nothing, with the addresses and credentials of the client. */
import type { Storage } from '@google-cloud/storage';
import { download } from '../http/download.ts';
import type { HttpRequest } from '../http/get.ts';
import { missingCredentials } from './errors.ts';

/** @param path below `/storage/v1/b/`, encoded */
export async function requestOf(
  client: Storage,
  path: string,
  { encoding }: { readonly encoding: 'gzip' | 'identity' },
): Promise<HttpRequest> {
  const url = `${client.apiEndpoint}/storage/v1/b/${path}`;
  return { url, headers: { ...(await credentials(client, url)), 'accept-encoding': encoding } };
}

/** None for a server of one's own. */
export async function credentials(client: Storage, url: string): Promise<Record<string, string>> {
  if (client.customEndpoint) return {};
  try {
    return (await client.authClient.getRequestHeaders(url)) as Record<string, string>;
  } catch (error) {
    // Without any, a public bucket can still be read, as the client itself does it; the server says whether it may.
    if (error instanceof Error && /Could not load the default credentials/.test(error.message)) return {};
    throw missingCredentials(error, url) ?? error;
  }
}

/** What the JSON API says of an object. Numbers come as texts. */
export interface ObjectMetadata {
  readonly name: string;
  readonly size: string;
  readonly generation: string;
  readonly metageneration?: string;
  /** RFC 3339: when this generation was made. */
  readonly timeCreated?: string;
  /** RFC 3339: what we set when it is touched. */
  readonly customTime?: string;
  /** Base64, both. */
  readonly md5Hash?: string;
  readonly crc32c?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** @throws HttpStatusError 404 when there is no such object, or no such bucket */
export function readMetadata(client: Storage, bucket: string, name: string): Promise<ObjectMetadata> {
  return readJson(client, `${bucket}/o/${encodeURIComponent(name)}`);
}

/**
 * All objects whose names begin with the prefix, page after page.
 *
 * @param fields of {@link ObjectMetadata}, separated by commas
 */
export async function readList(
  client: Storage,
  bucket: string,
  prefix: string,
  fields: string,
): Promise<readonly ObjectMetadata[]> {
  const found: ObjectMetadata[] = [];
  for (let page = ''; ; ) {
    const query = new URLSearchParams({ prefix, fields: `items(${fields}),nextPageToken` });
    if (page) query.set('pageToken', page);
    const { items = [], nextPageToken = '' } = await readJson<{
      items?: readonly ObjectMetadata[];
      nextPageToken?: string;
    }>(client, `${bucket}/o?${query}`);
    found.push(...items);
    if (nextPageToken === '') return found;
    page = nextPageToken;
  }
}

/** The client would wait for ever for an answer that breaks off. */
async function readJson<T>(client: Storage, path: string): Promise<T> {
  const answer = await download(() => requestOf(client, path, { encoding: 'identity' }), undefined);
  return JSON.parse(Buffer.from(await answer.all()).toString('utf8')) as T;
}
