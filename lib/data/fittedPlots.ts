/** Plots between the two passes of preprocessing: brought to size, invalid pixels still NaN, in one file on local disk. */
import { type FileHandle, open } from 'node:fs/promises';

export interface FittedPlots {
  /** @returns the plot's position */
  append(plot: Float32Array): Promise<number>;
  read(position: number): Promise<Float32Array>;
  close(): Promise<void>;
}

/** @param plotLength floats of a plot. The file is in the machine's own byte order, and nobody else's business. */
export async function openFittedPlots(file: string, plotLength: number): Promise<FittedPlots> {
  const handle: FileHandle = await open(file, 'w+');
  const bytes = plotLength * Float32Array.BYTES_PER_ELEMENT;
  let count = 0;
  return {
    async append(plot) {
      const from = Buffer.from(plot.buffer, plot.byteOffset, plot.byteLength);
      for (let done = 0; done < bytes; )
        done += (await handle.write(from, done, bytes - done, count * bytes + done)).bytesWritten;
      return count++;
    },
    async read(position) {
      const plot = new Float32Array(plotLength);
      const into = Buffer.from(plot.buffer);
      for (let done = 0; done < bytes; ) {
        const { bytesRead } = await handle.read(into, done, bytes - done, position * bytes + done);
        if (bytesRead === 0) throw new Error('The scratch file of preprocessing ends early');
        done += bytesRead;
      }
      return plot;
    },
    close: () => handle.close(),
  };
}
