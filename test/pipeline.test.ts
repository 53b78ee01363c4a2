import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestFurrow, testFurrow } from './harness/furrow.ts';

let furrow: TestFurrow;

beforeAll(async () => {
  furrow = await testFurrow();
  await furrow.work();
});
afterAll(() => furrow?.close());

const chain = `
name: chain
stages:
  first: { uses: pass, with: { label: a } }
  second: { uses: pass, needs: [first] }
`;

describe('trainPipeline', () => {
  it('runs a chain, then finds it finished', async () => {
    const made = await furrow.run(chain);
    expect(made.stages.second?.cached).toBe(false);
    const found = await furrow.run(chain);
    expect(found.stages).toMatchObject({ first: { cached: true }, second: { cached: true } });
    expect(found.stages.second?.artifact).toEqual(made.stages.second?.artifact);
  });

  it('runs again what another parameter changes, and nothing else', async () => {
    await furrow.run(chain);
    const changed = await furrow.run(chain, { set: { 'stages.second.with.label': 'b' } });
    expect(changed.stages).toMatchObject({ first: { cached: true }, second: { cached: false } });
  });

  it('runs nothing again for an operational parameter', async () => {
    await furrow.run(chain);
    const slower = await furrow.run(chain, { set: { 'stages.second.with.seconds': 0.01 } });
    expect(slower.stages).toMatchObject({ first: { cached: true }, second: { cached: true } });
  });
});
