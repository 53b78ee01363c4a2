/** What goes into an image that its stage's key does not cover: what the building machine has, and what a base's tag means today. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { Digest } from '../../contract/artifact.ts';
import { canonicalJson } from '../../contract/json.ts';
import type { BaseImage } from './base.ts';
import { arrange, type LayerEntry } from './entry.ts';
import { digestOfBytes } from './layout.ts';
import { platformOf } from './manifest.ts';
import { nodeLayer } from './nodeLayer.ts';

/** Two images of one key and one origin are the same image. */
export type ImageOrigin = {
  /** `linux/amd64` */
  readonly platform: string;
} & (
  | { readonly base: Digest }
  | {
      /** For people: `20.20.2`. */
      readonly node: string;
      /** Over Node's program and the system's libraries behind it, which are updated apart from it. */
      readonly nodeLayer: Digest;
    }
);

/**
 * The origin of an image that was built now. Without a base, Node and its libraries are read once: 100 MB, 0.2 s. With one, its
 * registry is asked for a digest, or nobody where the reference says it.
 *
 * @throws FurrowError `SETUP_INCOMPLETE`; `IMAGE_BASE_INVALID`, `REGISTRY_…` as {@link BaseImage.digest}
 */
export async function imageOrigin(base: BaseImage | undefined, execPath = process.execPath): Promise<ImageOrigin> {
  const { os, architecture } = platformOf(process.arch);
  const platform = `${os}/${architecture}`;
  if (base) return { platform, base: await base.digest() };
  const { entries } = await nodeLayer(execPath);
  return { platform, node: process.versions.node, nodeLayer: await digestOfEntries(entries) };
}

/** Over what a layer of these entries would hold, without writing it. */
async function digestOfEntries(entries: readonly LayerEntry[]): Promise<Digest> {
  const rows: string[] = [];
  for (const entry of arrange(entries)) {
    const content = entry.kind === 'file' ? await digestOfContent(entry.content) : null;
    const { kind, path } = entry;
    const how = entry.kind === 'link' ? entry.target : entry.mode;
    rows.push(canonicalJson([kind, path, how, content]));
  }
  return digestOfBytes(Buffer.from(rows.join('\n')));
}

async function digestOfContent(content: Uint8Array | { readonly file: string }): Promise<Digest> {
  if (content instanceof Uint8Array) return digestOfBytes(content);
  const hash = createHash('sha256');
  await pipeline(createReadStream(content.file, { highWaterMark: 1 << 20 }), hash);
  return `sha256:${hash.digest('hex')}`;
}
