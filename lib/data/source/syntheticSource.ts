/** The made-up trial as a source: its version is over its parameters and the generator's version. */
import { setImmediate as breathe } from 'node:timers/promises';
import type { ArtifactWriter } from '../../../contract/artifact.ts';
import type { SyntheticPlots } from '../../../contract/sourceAddress.ts';
import type { SourceVersion } from '../../../contract/stage.ts';
import { digestOfJson } from '../../store/digest.ts';
import { writeTiff } from '../raster/writeTiff.ts';
import { syntheticBands } from '../synthetic/canopy.ts';
import { generatorVersion, photograph } from '../synthetic/plot.ts';
import { layOut } from '../synthetic/trial.ts';

export function syntheticVersion(plots: SyntheticPlots): SourceVersion {
  return {
    digest: digestOfJson({ source: 'synthetic', generator: generatorVersion, plots }),
    facts: { uri: syntheticUri(plots), generator: generatorVersion, files: fileCount(plots) },
  };
}

/** Writes `train/<plot>_<band>.tif` and `test/<plot>_<band>.tif`, plot after plot. */
export async function fetchSynthetic(
  plots: SyntheticPlots,
  signal: AbortSignal,
  output: ArtifactWriter,
  progress: (files: number, of: number, bytes: number) => void,
): Promise<{ files: number; bytes: number }> {
  let files = 0;
  let bytes = 0;
  for (const plot of layOut(plots)) {
    signal.throwIfAborted();
    for (const [band, pixels] of photograph(plot, plots).entries()) {
      const added = await output.add(
        `${plot.split}/${plot.name}_${syntheticBands[band]}.tif`,
        writeTiff(plots.width, plots.height, pixels),
      );
      files++;
      bytes += added.bytes;
    }
    progress(files, fileCount(plots), bytes);
    // Computing a plot takes tens of milliseconds: let heartbeats and cancellation through.
    await breathe();
  }
  return { files, bytes };
}

/** Every parameter, defaults filled in, always in the same order. */
function syntheticUri(plots: SyntheticPlots): string {
  return `synthetic:plots?${Object.entries(plots)
    .map(([name, value]) => `${name}=${value}`)
    .join('&')}`;
}

function fileCount({ train, test }: SyntheticPlots): number {
  return (train + test) * syntheticBands.length;
}
