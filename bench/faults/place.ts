/** Where a disturbed run takes place: its store, its workers, and what can be taken from them. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type JumpingClock, jumpingClock } from '../../test/harness/faults/clock.ts';
import { type Line, lineTo } from '../../test/harness/faults/network.ts';
import { type SmallDisk, smallDisk } from '../../test/harness/faults/smallDisk.ts';
import type { TestFurrow } from '../../test/harness/furrow.ts';
import { spawnWorker, type WorkerProcess } from '../../test/harness/product.ts';
import { diskSize, type Kind } from './kinds.ts';

export interface Place {
  readonly folder: string;
  /** Below its disk, not the disk's own folder: that cannot be renamed. */
  readonly store: string;
  /** Where the temporary files lie of the run's own workers, and of the one on another machine. */
  readonly temporary: { readonly here: string; readonly elsewhere: string };
  readonly disk: SmallDisk | undefined;
  readonly clock: JumpingClock | undefined;
  readonly line: Line | undefined;
  /** All that were started, whatever became of them. */
  readonly workers: readonly WorkerProcess[];
  /** Here, with the run's clock, by the run's line. */
  startWorker(): Promise<WorkerProcess>;
  /** On a machine of its own, whose line is never cut. */
  startWorkerElsewhere(): Promise<WorkerProcess>;
  /** Once its workers have ended. */
  remove(): Promise<void>;
}

/** @param chosen what is to be done: only what that needs is made */
export async function makePlace(
  furrow: TestFurrow,
  product: string,
  name: string,
  chosen: readonly Kind[],
): Promise<Place> {
  const folder = join(furrow.folder, name);
  const temporary = { here: join(folder, 'tmp'), elsewhere: join(folder, 'elsewhere-tmp') };
  for (const each of Object.values(temporary)) mkdirSync(each, { recursive: true });
  const disk = chosen.includes('disk-full') ? possible(smallDisk(diskSize)) : undefined;
  const clock = chosen.includes('clock') ? possible(jumpingClock()) : undefined;
  const line = chosen.includes('cut-off') ? await lineTo(furrow.target.address) : undefined;
  const workers: WorkerProcess[] = [];
  const start = async (env: Readonly<Record<string, string>>) => {
    const worker = await spawnWorker(furrow, product, { env });
    workers.push(worker);
    return worker;
  };
  return {
    ...{ folder, temporary, disk, clock, line, workers },
    store: join(disk?.folder ?? folder, 'store'),
    startWorker: () =>
      start({ TMPDIR: temporary.here, ...clock?.env, ...(line && { TEMPORAL_ADDRESS: line.address }) }),
    startWorkerElsewhere: () => start({ TMPDIR: temporary.elsewhere }),
    async remove() {
      for (const worker of workers) await worker.kill();
      await line?.close();
      clock?.remove();
      disk?.remove();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What is not possible here was left out of the plan. */
function possible<T>(made: T | string): T {
  if (typeof made === 'string') throw new Error(made);
  return made;
}
