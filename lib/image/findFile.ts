import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { blobFile, type Layout } from './layout.ts';
import { type Descriptor, mediaTypes } from './manifest.ts';
import { untar } from './untar.ts';

/**
 * Whether an image's layers bring one of the files (`usr/local/bin/node`); the newest layer is looked at first. Undefined where a
 * layer is compressed in a way that is not read here, and so may hold it unseen. Files that an upper layer takes away are not
 * noticed.
 */
export async function bringsFile(
  layout: Layout,
  layers: readonly Descriptor[],
  paths: ReadonlySet<string>,
): Promise<boolean | undefined> {
  let seenAll = true;
  for (const layer of [...layers].reverse()) {
    const archive = openArchive(layout, layer);
    if (!archive) {
      seenAll = false;
      continue;
    }
    for await (const { path } of untar(archive, 0)) if (paths.has(path)) return true;
  }
  return seenAll ? false : undefined;
}

function openArchive(layout: Layout, { mediaType, digest }: Descriptor): AsyncIterable<Uint8Array> | undefined {
  const blob = createReadStream(blobFile(layout, digest), { highWaterMark: 1 << 20 });
  if (mediaType === mediaTypes.plainLayer) return blob;
  if (mediaType === mediaTypes.layer) return pipeline(blob, createGunzip(), () => {});
  blob.destroy();
  return undefined;
}
