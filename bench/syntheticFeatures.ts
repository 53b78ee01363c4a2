/** Features of the product's own synthetic plots, made by its own stages' code, in a folder. */
import { mkdir, rm } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { parseSource, type SourceAddress } from '../contract/sourceAddress.ts';
import { preprocess } from '../contract/stages/preprocess.ts';
import { preprocessPlots } from '../lib/data/preprocess.ts';
import { fetchSynthetic } from '../lib/data/source/syntheticSource.ts';
import { openArtifact, stageArtifact } from '../lib/store/artifacts.ts';
import { openStore } from '../lib/store/store.ts';

export interface SyntheticFeatures {
  /** Before the validation plots are taken off. */
  readonly plots: number;
  /** Pixels: rows, columns. */
  readonly size: readonly [number, number];
}

/** @param folder is made; what else is needed on the way lies beside it, and is removed */
export async function writeSyntheticFeatures(folder: string, { plots, size }: SyntheticFeatures): Promise<void> {
  const [aside, scratch] = [`${folder}.store`, `${folder}.scratch`];
  await mkdir(scratch, { recursive: true });
  const store = await openStore(pathToFileURL(aside).href, { create: true });
  const signal = new AbortController().signal;
  const source = parseSource(`synthetic:plots?train=${plots}&test=4&height=${size[0]}&width=${size[1]}`);
  const images = stageArtifact(store, 'plots');
  await fetchSynthetic((source as SourceAddress & { scheme: 'synthetic' }).plots, signal, images, () => {});
  const features = stageArtifact(store, 'features');
  await preprocessPlots({
    plots: openArtifact(store, (await images.seal()).ref),
    params: preprocess.params.parse({ size }),
    seed: 42,
    scratch,
    output: features,
    signal,
    log: { info: () => {}, warn: () => {} },
    progress: () => {},
  });
  await openArtifact(store, (await features.seal()).ref).materialize(folder);
  for (const each of [aside, scratch]) await rm(each, { recursive: true, force: true });
}
