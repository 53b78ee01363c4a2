import type { JsonObject } from '../../../contract/json.ts';
import type { HistoryRow } from '../trackedRun.ts';

export interface ShownImage {
  readonly key: string;
  readonly step: number;
  readonly value: JsonObject;
}

/**
 * The rows of a run, each with the images of its step. Images of a step that has no row get one of their own, in its place, with
 * the times of the row before it.
 *
 * @param startedAt seconds since 1970: when images were made that come before the first row
 */
export async function* rowsWithImages(
  rows: AsyncIterable<HistoryRow>,
  images: readonly ShownImage[],
  startedAt: number,
): AsyncGenerator<HistoryRow> {
  const steps = new Map<number, Record<string, JsonObject>>();
  for (const { key, step, value } of [...images].sort((a, b) => a.step - b.step)) {
    steps.set(step, { ...steps.get(step), [key]: value });
  }
  let times = { _timestamp: startedAt, _runtime: 0 };

  for await (const row of rows) {
    let ofThisStep: Record<string, JsonObject> = {};
    for (const [step, values] of steps) {
      if (step > row._step) break;
      steps.delete(step);
      if (step === row._step) ofThisStep = values;
      else yield { ...times, _step: step, ...values };
    }
    yield { ...row, ...ofThisStep };
    times = { _timestamp: row._timestamp, _runtime: row._runtime };
  }
  for (const [step, values] of steps) yield { ...times, _step: step, ...values };
}
