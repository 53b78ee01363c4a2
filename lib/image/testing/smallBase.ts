/** A base image for tests, of a single file. */
import { type FileEntry, textFile } from '../entry.ts';
import { addJson, addLayer, createLayout, type Layout, writeIndex } from '../layout.ts';
import { mediaTypes, platformOf } from '../manifest.ts';
import { tar } from '../tar.ts';

/** Where Docker's images of Node have it. @param mark makes one another than the next, as an update does */
export function nodeBase(folder: string, mark: string): Promise<Layout> {
  return smallBase(folder, textFile('usr/local/bin/node', mark));
}

export async function smallBase(folder: string, file: FileEntry): Promise<Layout> {
  const image = await createLayout(folder);
  const { diffId, ...layer } = await addLayer(image, tar([file]));
  const config = { ...platformOf(process.arch), config: {}, rootfs: { type: 'layers', diff_ids: [diffId] } };
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: await addJson(image, mediaTypes.config, config),
    layers: [layer],
  };
  await writeIndex(image, await addJson(image, mediaTypes.manifest, manifest));
  return image;
}
