import { existsSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../testing/temporaryFolder.ts';
import { readCheckpoint, type TrainingState } from '../trainer/checkpoint.ts';
import { startPosition } from '../trainer/position.ts';
import { checkpointHandover } from './checkpointHandover.ts';

const parentFolder = temporaryFolder();
let folders = 0;

function stateAt(step: number): TrainingState {
  return {
    training: 'this one',
    position: { ...startPosition, step },
    tensors: [{ name: 'weights/a', shape: [2], values: Float32Array.of(step, 1) }],
    runLog: new Uint8Array(),
  };
}

/** A handover to a store that answers when the test says so: `store.answer(true)` stores the oldest that was handed over. */
async function handOverTo({ newest }: { newest?: number } = {}) {
  const folder = join(parentFolder, String(folders++));
  await mkdir(folder);
  const asked: { readonly step: number; readonly file: string; answer(stored: boolean): void }[] = [];
  const warnings: string[] = [];
  const taken: number[] = [];
  const session = {
    checkpoint: (step: number, file: string) =>
      new Promise<boolean>((resolve) => asked.push({ step, file, answer: resolve })),
    warn: (message: string) => void warnings.push(message),
  };
  const handOver = checkpointHandover(session, folder, newest);
  return {
    ...{ handOver, folder, asked, warnings, taken },
    offer: (step: number) =>
      handOver.whenFree(() => {
        taken.push(step);
        return stateAt(step);
      }),
    /** Waits until checkpoint number `count` lies before the store, and gives it. */
    async handedOver(count: number) {
      await expect.poll(() => asked.length, { timeout: 5_000 }).toBe(count);
      return asked[count - 1] as (typeof asked)[number];
    },
  };
}

async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const waited = new Promise((resolve) => setTimeout(resolve, 50, 'pending'));
  return (await Promise.race([promise, waited])) === 'pending';
}

describe('a checkpoint that is handed over', () => {
  it('lies whole in its folder until the store is done with it, and then no more', async () => {
    const { offer, handedOver, handOver, folder } = await handOverTo();
    offer(3);
    const { step, file, answer } = await handedOver(1);
    expect(step).toBe(3);
    expect((await readCheckpoint(file, 'this one')).tensors).toEqual(stateAt(3).tensors);
    answer(true);
    await handOver.settled();
    expect(await readdir(folder)).toEqual([]);
  });

  it('is the only one on its way: while the store is slow, training goes on and no state is copied', async () => {
    const { offer, handedOver, handOver, taken, asked } = await handOverTo();
    offer(1);
    offer(2);
    const first = await handedOver(1);
    offer(3);
    expect(taken).toEqual([1]);
    first.answer(true);
    await handOver.settled();
    offer(4);
    (await handedOver(2)).answer(true);
    await handOver.settled();
    expect(taken).toEqual([1, 4]);
    expect(asked.map(({ step }) => step)).toEqual([1, 4]);
  });

  it('is a warning when it cannot be written, and the next one is tried', async () => {
    const { offer, handedOver, handOver, folder, warnings, asked } = await handOverTo();
    await mkdir(join(folder, 'checkpoint-1.part'));
    offer(1);
    await handOver.settled();
    expect(warnings).toEqual([expect.stringMatching(/^checkpoint of step 1 was not written: EISDIR/)]);
    expect(asked).toEqual([]);
    offer(2);
    (await handedOver(1)).answer(true);
    await handOver.settled();
    expect(asked.map(({ step }) => step)).toEqual([2]);
  });

  it('is let go when it cannot be stored, and the next one is tried', async () => {
    const { offer, handedOver, handOver, folder } = await handOverTo();
    offer(1);
    (await handedOver(1)).answer(false);
    await handOver.settled();
    expect(await readdir(folder)).toEqual([]);
    offer(2);
    expect((await handedOver(2)).step).toBe(2);
  });
});

describe('the last checkpoint', () => {
  it('waits for the one that is on its way, and is stored after it', async () => {
    const { offer, handedOver, handOver, asked } = await handOverTo();
    offer(1);
    const last = handOver.last(stateAt(2));
    const first = await handedOver(1);
    expect(await isPending(last)).toBe(true);
    expect(asked).toHaveLength(1);
    first.answer(true);
    const second = await handedOver(2);
    expect(second.step).toBe(2);
    expect(await isPending(last)).toBe(true);
    second.answer(true);
    await last;
  });

  it('is not stored twice', async () => {
    const { offer, handedOver, handOver, asked } = await handOverTo();
    offer(1);
    const last = handOver.last(stateAt(1));
    (await handedOver(1)).answer(true);
    await last;
    expect(asked).toHaveLength(1);
  });

  it('is not stored where training was resumed and no step was taken', async () => {
    const { handOver, asked } = await handOverTo({ newest: 7 });
    await handOver.last(stateAt(7));
    expect(asked).toEqual([]);
  });

  it('is tried once more when the store had failed at this very step', async () => {
    const { offer, handedOver, handOver } = await handOverTo();
    offer(1);
    const last = handOver.last(stateAt(1));
    (await handedOver(1)).answer(false);
    const again = await handedOver(2);
    expect(again.step).toBe(1);
    expect(existsSync(again.file)).toBe(true);
    again.answer(true);
    await last;
  });

  it('is tried once more when this very step could not be written', async () => {
    const { offer, handedOver, handOver, folder } = await handOverTo();
    const obstacle = join(folder, 'checkpoint-1.part');
    await mkdir(obstacle);
    offer(1);
    await handOver.settled();
    await rm(obstacle, { recursive: true });
    const last = handOver.last(stateAt(1));
    (await handedOver(1)).answer(true);
    await last;
  });
});

describe('settled', () => {
  it('waits for the store, or as long as it is told to', async () => {
    const { offer, handedOver, handOver } = await handOverTo();
    offer(1);
    const { answer } = await handedOver(1);
    expect(await isPending(handOver.settled())).toBe(true);
    expect(await isPending(handOver.settled(60_000))).toBe(true);
    await handOver.settled(20);
    const settled = handOver.settled();
    answer(true);
    await settled;
  });

  it('waits for nothing when there is nothing on its way', async () => {
    const { handOver } = await handOverTo();
    await handOver.settled();
    await handOver.settled(60_000);
  });
});
