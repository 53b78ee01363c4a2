import type { StageFailure, StageState, StageSummary, TrainPipelineResult } from '../contract/messages.ts';
import { durationText, type Output, shortNumber } from './output.ts';
import { type LiveStage, type RunLook, waitingLine } from './runProgress.ts';

export interface ProgressPrinter {
  /** Takes the live line away, so that other lines can follow. */
  clear(): void;
  show(look: RunLook): void;
  /** The end of a run: the stages that were not shown as done yet, then what came of it. */
  resultLines(result: TrainPipelineResult, page: string | undefined): string[];
}

/** Seconds between two lines about the same running stage where lines cannot be rewritten. */
const plainEvery = 10;

/** Says what changed since the last look: a line for a stage that started or ended, and one live line where there is a terminal. */
export function progressPrinter(output: Output, now: () => number = Date.now): ProgressPrinter {
  const shown = new Map<string, StageState['status']>();
  const said = new Map<string, number>();
  const told = new Set<string>();
  const rewrites = process.stdout.isTTY && !output.json;
  const clear = () => {
    if (rewrites) process.stdout.write('\r\x1b[K');
  };
  const showLive = (lines: readonly (readonly [stage: string, text: string])[]) => {
    if (rewrites) {
      const text = lines.map(([name, line]) => `${name}: ${line}`).join('  |  ');
      process.stdout.write(text.slice(0, (process.stdout.columns || 80) - 1));
      return;
    }
    for (const [name, line] of lines) {
      const last = said.get(name);
      if (last !== undefined && now() - last < plainEvery * 1000) continue;
      said.set(name, now());
      // A stage that has just started has said so.
      if (last !== undefined) output.say(`  ${name}: ${line}`);
    }
  };
  return {
    clear,
    show({ record, live, waiting }) {
      clear();
      const stages = record?.stages ?? [];
      for (const stage of stages) {
        if (stage.status === 'waiting' || shown.get(stage.name) === stage.status) continue;
        shown.set(stage.name, stage.status);
        output.say(stageLine(stage));
      }
      const notices = stages.flatMap(({ name, notice }) => (notice ? [`  ${name}: ${notice}`] : []));
      const own = [record?.tracking?.notice, record?.notice].filter((line) => line !== undefined);
      for (const line of [...own, ...notices, ...waiting.map(waitingLine)]) {
        if (!told.has(line)) output.say(line);
        told.add(line);
      }
      showLive(
        stages.flatMap((stage) => {
          const state = stage.status === 'running' ? live.get(stage.activityId ?? '') : undefined;
          return state ? [[stage.name, liveText(stage, state)] as const] : [];
        }),
      );
    },
    resultLines(result, page) {
      const rest = Object.entries(result.stages).filter(([name]) => !isDone(shown.get(name)));
      return [
        ...rest.map(([name, { cached, metrics }]) =>
          stageLine({ name, metrics, status: cached ? 'cached' : 'finished' }),
        ),
        '',
        ...(result.headline ? [`${result.headline.name}: ${shortNumber(result.headline.value)}`] : []),
        ...Object.values(result.stages).flatMap(placeLines),
        ...(result.record ? [`Record: ${result.record}`] : []),
        ...(page ? [`Temporal UI: ${page}`] : []),
      ];
    },
  };
}

const marks: Record<StageState['status'], string> = {
  waiting: '·',
  held: '✋',
  paused: '⏸',
  running: '▶',
  finished: '✔',
  cached: '✔',
  failed: '✘',
  skipped: '–',
  cancelled: '–',
};

/** Where the mark alone does not say it. */
const spelledOut: readonly StageState['status'][] = ['skipped', 'cancelled', 'waiting', 'paused'];

type ShownStage = Pick<StageState, 'name' | 'status' | 'metrics' | 'failure' | 'startedAt' | 'endedAt'>;

/** @param failure `code` where what happened is told below */
export function stageLine(stage: ShownStage, failure: 'whole' | 'code' = 'whole'): string {
  const seconds =
    stage.startedAt && stage.endedAt
      ? `${((Date.parse(stage.endedAt) - Date.parse(stage.startedAt)) / 1000).toFixed(1)} s`
      : '';
  const notes = [
    stage.status === 'cached' ? 'cached' : seconds,
    metricsText(stage.metrics ?? {}),
    failureText(stage.failure, failure),
    spelledOut.includes(stage.status) ? stage.status : '',
  ];
  return `${marks[stage.status]} ${stage.name.padEnd(12)} ${notes.filter(Boolean).join('  ')}`.trimEnd();
}

function failureText(failure: StageFailure | undefined, how: 'whole' | 'code'): string {
  if (!failure) return '';
  return how === 'code' ? failure.code : `${failure.code}: ${failure.message}`;
}

export function liveText(stage: StageState, live: LiveStage): string {
  if (live.waited !== undefined) return `waits for a worker on queue ${stage.queue}`;
  const failed = live.lastFailure ? ` after: ${live.lastFailure}` : '';
  if (live.retryIn !== undefined) return `attempt ${live.attempt} in ${Math.ceil(live.retryIn / 1000)} s${failed}`;
  const { heartbeat } = live;
  const parts = [
    heartbeat?.doing ?? 'running',
    heartbeat?.total ? `${Math.floor((100 * (heartbeat.done ?? 0)) / heartbeat.total)} %` : '',
    heartbeat?.secondsLeft === undefined ? '' : `${durationText(heartbeat.secondsLeft)} left`,
    metricsText(heartbeat?.metrics ?? {}),
    live.attempt > 1 ? `attempt ${live.attempt}${failed}` : '',
  ];
  return parts.filter(Boolean).join('  ');
}

export function metricsText(metrics: Readonly<Record<string, number>>): string {
  return Object.entries(metrics)
    .slice(0, 5)
    .map(([name, value]) => `${name} ${shortNumber(value)}`)
    .join('  ');
}

/** What a run leaves outside of its own record, by the name that it goes by there; and what it could not leave. */
function placeLines({ artifact, facts }: StageSummary): string[] {
  if (artifact.kind === 'model-version') return [`Registered: ${facts.model}:${facts.version} (${facts.alias})`];
  if (artifact.kind === 'image') return [`Image: ${facts.pushed ?? facts.name} ${facts.image}`];
  if (Array.isArray(facts.figuresNotDrawn))
    return [`Figures not drawn: ${facts.figuresNotDrawn.join(', ')}; \`furrow logs\` says why`];
  return [];
}

function isDone(status: StageState['status'] | undefined): boolean {
  return status === 'finished' || status === 'cached';
}
