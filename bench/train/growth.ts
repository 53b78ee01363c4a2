/** Whether memory grows with the steps: what is resident, and how many tensors there are, after some and after many. */
import { fieldPlot, ourProgram, paramsOf, threads, writeBatch } from './cases.ts';
import { Side } from './side.ts';

export interface GrowthPoint {
  readonly steps: number;
  readonly resident: number;
  readonly tensors: number;
}

/** The first figure once allocators have grown, the last one after as many steps as a small training has. */
const looks = [100, 400, 700, 1000];

export async function measureGrowth(network: string, folder: string): Promise<readonly GrowthPoint[]> {
  const params = paramsOf(network);
  const batch = await writeBatch(folder, fieldPlot);
  const side = new Side(ourProgram());
  const points: GrowthPoint[] = [];
  try {
    await side.ask('threads', { threads });
    await side.ask('start', { params, input: fieldPlot, batch });
    for (const [index, steps] of looks.entries()) {
      const { tensors } = await side.ask('steps', { count: steps - (looks[index - 1] ?? 0) });
      points.push({ steps, resident: side.memory().resident, tensors: tensors ?? Number.NaN });
    }
    return points;
  } finally {
    await side.close();
  }
}
