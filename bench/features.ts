/** Features made by the product's own code, in a folder: for benches that train without a server. */
import { mkdir, rm } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { parseSource } from '../contract/sourceAddress.ts';
import { type PreprocessParams, preprocess } from '../contract/stages/preprocess.ts';
import { preprocessPlots } from '../lib/data/preprocess.ts';
import { fetchFolder, folderVersion } from '../lib/data/source/folderSource.ts';
import { fetchSynthetic } from '../lib/data/source/syntheticSource.ts';
import { openArtifact, stageArtifact } from '../lib/store/artifacts.ts';
import { openStore } from '../lib/store/store.ts';

export interface FeaturesOf {
  /** As a pipeline says it: `synthetic:…` or `file:…`. */
  readonly source: string;
  readonly params: PreprocessParams;
  readonly seed: number;
}

/** @param folder is made; what else is needed on the way lies beside it, and is removed */
export async function writeFeaturesOf({ source, params, seed }: FeaturesOf, folder: string): Promise<void> {
  const [aside, scratch] = [`${folder}.store`, `${folder}.scratch`];
  await mkdir(scratch, { recursive: true });
  const store = await openStore(pathToFileURL(aside).href, { create: true });
  const signal = new AbortController().signal;
  const address = parseSource(source);
  const plots = stageArtifact(store, 'plots');
  if (address.scheme === 'synthetic') await fetchSynthetic(address.plots, signal, plots, () => {});
  else if (address.scheme !== 'file')
    throw new Error('Fetch the plots to a folder first: benchmarks start from `file:`');
  else {
    const fetch = { folder: address.path, uri: source, signal };
    await fetchFolder(fetch, await folderVersion(fetch), scratch, plots, () => {});
  }
  const features = stageArtifact(store, 'features');
  await preprocessPlots({
    plots: openArtifact(store, (await plots.seal()).ref),
    params,
    seed,
    scratch,
    output: features,
    signal,
    log: { info: () => {}, warn: () => {} },
    progress: () => {},
  });
  await openArtifact(store, (await features.seal()).ref).materialize(folder);
  for (const each of [aside, scratch]) await rm(each, { recursive: true, force: true });
}

export interface SyntheticFeatures {
  /** Before the validation plots are taken off. */
  readonly plots: number;
  /** Pixels: rows, columns. */
  readonly size: readonly [number, number];
}

/** Of the product's own synthetic plots. */
export function writeSyntheticFeatures(folder: string, { plots, size }: SyntheticFeatures): Promise<void> {
  const source = `synthetic:plots?train=${plots}&test=4&height=${size[0]}&width=${size[1]}`;
  return writeFeaturesOf({ source, params: preprocess.params.parse({ size }), seed: 42 }, folder);
}
