/** Does a fault to a run, and mends what has to be mended again. */
import { spawnSync } from 'node:child_process';
import { existsSync, renameSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { processMemory } from '../../lib/models/child/memory.ts';
import type { TestFurrow } from '../../test/harness/furrow.ts';
import { runs, type WorkerProcess } from '../../test/harness/product.ts';
import { until } from '../../test/harness/until.ts';
import type { Kind } from './kinds.ts';
import { stallTimeout } from './pipeline.ts';
import type { Place } from './place.ts';
import type { Fault } from './plan.ts';
import { type Keys, type LostWork, type Training, trainingsIn, workSinceCheckpoint } from './trainings.ts';
import type { Watch } from './watch.ts';

/** A run under way, and what becomes of it. */
export interface Disturbed {
  readonly furrow: TestFurrow;
  readonly place: Place;
  readonly keys: Keys;
  readonly watch: Watch;
  worker: WorkerProcess;
  /** Whether the run is over: nothing is left to disturb. */
  isOver(): boolean;
  /** What each end of a training took with it. */
  readonly repeated: LostWork[];
  /** Seconds that workers took to end when told to. */
  readonly endings: number[];
  /** What should not have happened. */
  readonly problems: string[];
}

/** Megabytes beyond what it has: too few for TensorFlow. */
const tooLittle = 300;
/** Seconds that a process takes at most to load TensorFlow, or to fail to. */
const startTime = 10;
/** Seconds after which a worker that is told to end is past its limit: `furrow up` kills it then. */
export const endLimit = 25;
/** Seconds: by then the other worker trains, or finds the training finished by the one that is cut off. */
const longestCut = 40;
/** Seconds that a worker may take to learn that its attempt is another's, and to end its child. */
const zombieLimit = 40;
/** Milliseconds that a checkpoint which was handed over before a kill takes to the store. */
const onItsWay = 200;

type Inflict = (run: Disturbed, fault: Fault, training: Training) => Promise<void>;

/** @param training that there is, or was last: for those kinds that need none, nobody looks at it */
export const inflict: Readonly<Record<Kind, Inflict>> = {
  async 'kill-worker'(run, { lasts }) {
    await losing(run, () => run.worker.kill());
    await nextWorker(run, lasts);
  },
  async 'kill-child'(run, _, { pid }) {
    await losing(run, () => signal(pid, 'SIGKILL'));
    run.watch.allThere();
  },
  async 'kill-server'({ furrow, watch }) {
    watch.takenAway();
    await furrow.crashServer();
    watch.allThere();
  },
  async 'kill-all'(run, { lasts }) {
    const found = trainingsIn(run.place.temporary.here, run.keys);
    let restarted: Promise<void> | undefined;
    await losing(run, async () => {
      restarted = run.furrow.crashServer();
      for (const { pid } of found) signal(pid, 'SIGKILL');
      await run.worker.kill();
    });
    await restarted;
    await nextWorker(run, lasts);
  },
  async 'end-worker'(run, { lasts }) {
    await losing(run, () => endWorker(run, run.worker));
    await nextWorker(run, lasts);
  },
  async clock({ place }, { jump }) {
    place.clock?.jump(jump);
  },
  async 'disk-full'({ place, watch }, { lasts }) {
    watch.takenAway();
    place.disk?.fill();
    await seconds(lasts);
    place.disk?.free();
    watch.allThere();
  },
  async 'out-of-memory'(run, _, { pid }) {
    // What trains has what it needs: the one after it is met as it starts.
    await losing(run, () => signal(pid, 'SIGKILL'));
    const next = await untilTraining(run, (each) => each.pid !== pid);
    if (!next) return;
    const most = (processMemory(next.pid)?.addresses ?? 0) + (tooLittle << 20);
    spawnSync('prlimit', ['--pid', String(next.pid), `--as=${most}`]);
    // Where it had taken all that it needs already, it goes on.
    if (!(await endsWithin(next.pid, startTime))) return;
    run.watch.interrupted(next.stage);
    run.watch.allThere();
  },
  async hang(run, _, { pid }) {
    await losing(run, () => signal(pid, 'SIGSTOP'));
    // A worker that is busy is a little late.
    await until('the process that hangs is killed', () => !runs(pid), 3 * stallTimeout);
    run.watch.allThere();
  },
  async crash(run, _, { pid }) {
    await losing(run, () => signal(pid, 'SIGSEGV'));
    run.watch.allThere();
  },
  async 'store-away'({ place: { store }, watch, problems }, { lasts }) {
    watch.takenAway();
    renameSync(store, `${store}.gone`);
    await seconds(lasts);
    if (existsSync(store)) {
      problems.push('something was written where the store was not there any more');
      rmSync(store, { recursive: true, force: true });
    }
    renameSync(`${store}.gone`, store);
    watch.allThere();
  },
  async 'cut-off'(run, { lasts }, { pid, stage }) {
    const { place, watch } = run;
    watch.interrupted(stage);
    place.line?.cut();
    const since = performance.now();
    const successor = await place.startWorkerElsewhere();
    watch.follow(successor);
    watch.allThere();
    const elapsed = () => (performance.now() - since) / 1000;
    while (elapsed() < lasts || (watch.waits(stage) && elapsed() < longestCut && !run.isOver())) await sleep(100);
    place.line?.mend();
    await until('the worker that was cut off ends its training', () => !runs(pid), zombieLimit);
    await losing(run, () => endWorker(run, successor), place.temporary.elsewhere);
    watch.allThere();
  },
};

/** Waits for a process that trains; undefined when the run is over before there is one. */
export async function untilTraining(
  { place, keys, isOver }: Pick<Disturbed, 'place' | 'keys' | 'isOver'>,
  isWanted: (training: Training) => boolean = () => true,
): Promise<Training | undefined> {
  while (!isOver()) {
    const found = trainingsIn(place.temporary.here, keys).find(isWanted);
    if (found) return found;
    await sleep(20);
  }
  return undefined;
}

/** Ends what trains by `act`, and notes the work that is lost with it. */
async function losing(
  { place, keys, watch, repeated }: Disturbed,
  act: () => Promise<void> | void,
  temporary: string = place.temporary.here,
): Promise<void> {
  const lost = trainingsIn(temporary, keys);
  watch.takenAway();
  for (const { stage } of lost) watch.interrupted(stage);
  const at = Date.now();
  await act();
  await sleep(onItsWay);
  for (const training of lost) repeated.push(workSinceCheckpoint(place.store, keys, training, at));
}

async function nextWorker(run: Disturbed, wait: number): Promise<void> {
  await seconds(wait);
  run.worker = await run.place.startWorker();
  run.watch.follow(run.worker);
  run.watch.allThere();
}

/** As an orchestrator does, which kills what does not end. */
export async function endWorker({ endings, problems }: Disturbed, worker: WorkerProcess): Promise<void> {
  const since = performance.now();
  const late = setTimeout(() => {
    problems.push(`a worker that was told to end lives after ${endLimit} s`);
    void worker.kill();
  }, endLimit * 1000);
  const code = await worker.terminate();
  clearTimeout(late);
  endings.push((performance.now() - since) / 1000);
  if (code !== 0) problems.push(`a worker that was told to end did so with ${code}`);
}

function endsWithin(pid: number, limit: number): Promise<boolean> {
  return until('its end', () => !runs(pid), limit).then(
    () => true,
    () => false,
  );
}

/** It may have ended by itself in the same moment. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function seconds(count: number): Promise<void> {
  return sleep(Math.max(0, count) * 1000);
}
