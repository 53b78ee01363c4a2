/** What a run leaves behind once it and its workers have ended in an orderly way: nothing, but for its results. */
import { type Dirent, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestFurrow } from '../../test/harness/furrow.ts';
import type { Place } from './place.ts';

export interface LeftBehind {
  /** `PID COMMAND` of workers and of what they had started. */
  readonly processes: readonly string[];
  /** Below the folders for temporary files. */
  readonly temporary: readonly string[];
  /** In the store: what was written aside, checkpoints of what is finished. */
  readonly halfWritten: readonly string[];
  /** Workflow ids. */
  readonly openRuns: readonly string[];
  /** They cost nothing, and are no failure; yet nobody will need them. */
  readonly emptyFolders: readonly string[];
}

/** Seconds: an orphan notices within a step that its parent is gone; a list of runs is a little behind. */
const grace = 5;

export async function leftBehind(furrow: TestFurrow, product: string, place: Place): Promise<LeftBehind> {
  const { folder, temporary, store } = place;
  const find = () => processesNaming([product, folder]);
  let processes = find();
  let open = await openRuns(furrow);
  for (let waited = 0; waited < grace && processes.length + open.length > 0; waited += 0.5) {
    await sleep(500);
    processes = find();
    open = await openRuns(furrow);
  }
  const temporaries = Object.values(temporary).map((each) => below(each, `${basename(each)}/`));
  const stored = ['tmp', 'checkpoints'].map((name) => below(join(store, name), `${name}/`));
  return {
    processes,
    openRuns: open,
    temporary: temporaries.flatMap(({ files }) => files),
    halfWritten: stored.flatMap(({ files }) => files),
    emptyFolders: [...temporaries, ...stored].flatMap(({ empty }) => empty),
  };
}

/** Whose command or environment names one of `paths`; nothing where there is no /proc. */
function processesNaming(paths: readonly string[]): string[] {
  const pids = entries('/proc')
    .map(({ name }) => Number(name))
    .filter((pid) => pid > 0 && pid !== process.pid);
  return pids.flatMap((pid) => {
    const command = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
    const named = `${command}\0${read(`/proc/${pid}/environ`)}`;
    // A zombie has no command any more.
    return command !== '' && paths.some((path) => named.includes(path)) ? [`${pid} ${command}`] : [];
  });
}

async function openRuns({ client }: TestFurrow): Promise<string[]> {
  const open: string[] = [];
  for await (const { workflowId } of client.workflow.list({ query: "ExecutionStatus = 'Running'" }))
    open.push(workflowId);
  return open;
}

/** Files, and folders that have nothing in them, by their path below `folder`. */
function below(folder: string, prefix = ''): { files: string[]; empty: string[] } {
  const inside = entries(folder).map((entry) => {
    const path = `${prefix}${entry.name}`;
    if (!entry.isDirectory()) return { files: [path], empty: [] };
    const deeper = below(join(folder, entry.name), `${path}/`);
    return deeper.files.length + deeper.empty.length === 0 ? { files: [], empty: [`${path}/`] } : deeper;
  });
  return { files: inside.flatMap(({ files }) => files), empty: inside.flatMap(({ empty }) => empty) };
}

function entries(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // It has ended since.
    return '';
  }
}
