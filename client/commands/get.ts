import { mkdirSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { openArtifact } from '../../lib/store/artifacts.ts';
import { copyBlob } from '../../lib/store/blobs.ts';
import { openStoreAt } from '../../lib/store/store.ts';
import { connect } from '../connect.ts';
import { findRun } from '../findRun.ts';
import { attachments, finishedStage } from '../finishedStage.ts';
import { exitCodes, type Output, UsageError } from '../output.ts';
import { lookAtRun } from '../runProgress.ts';

export interface GetOptions {
  /** The workflow id; the newest run without it. */
  readonly run?: string;
  /** The folder, named like the stage without it. */
  readonly to?: string;
}

/** `furrow get STAGE`: the files that a stage made, with what it noted beside them, in a folder. */
export async function get(stageName: string, options: GetOptions, output: Output): Promise<number> {
  const folder = emptyFolder(options.to ?? stageName);
  const { client, target } = await connect();
  const run = await findRun(client, options.run);
  const { record } = await lookAtRun({ client, namespace: target.namespace, ...run });
  const stage = finishedStage(record, stageName, run.workflowId);
  const store = await openStoreAt(stage.store);
  const artifact = openArtifact(store, stage.artifact);
  const made = await artifact.files();
  const noted = await attachments(store, stage);
  mkdirSync(folder, { recursive: true });
  await artifact.materialize(folder);
  for (const file of noted) await copyBlob(store, file.digest, join(folder, file.path));
  const files = [...made, ...noted].map(({ path, bytes, digest }) => ({ path, bytes, digest }));
  output.answer({ ...run, stage: stageName, artifact: stage.artifact, folder, files }, () => [
    ...files.map((file) => `${join(options.to ?? stageName, file.path)}  ${file.bytes} bytes`),
  ]);
  return exitCodes.ok;
}

function emptyFolder(path: string): string {
  const folder = resolve(path);
  let there: string[] = [];
  try {
    there = readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  if (there.length > 0) throw new UsageError(`${path} is not empty`, 'Name another folder with --to.');
  return folder;
}
