import type { RunRecord, StageState, TrainPipelineResult } from '../contract/messages.ts';
import { type Output, shortNumber } from './output.ts';
import type { LiveStage } from './runProgress.ts';

/** Seconds between two lines about the same running stage where lines cannot be rewritten. */
const plainEvery = 10;

/** Prints what changed since the last look: a line a stage that started or ended, and one live line where there is a terminal. */
export function progressPrinter(output: Output, now: () => number = Date.now) {
  const shown = new Map<string, string>();
  const said = new Map<string, number>();
  const live = process.stdout.isTTY && !output.json;
  const clear = () => {
    if (live) process.stdout.write('\r\x1b[K');
  };
  return {
    clear,
    show(record: RunRecord, stages: ReadonlyMap<string, LiveStage>) {
      clear();
      for (const stage of record.stages) {
        if (stage.status === 'waiting' || shown.get(stage.name) === stage.status) continue;
        shown.set(stage.name, stage.status);
        output.say(stageLine(stage));
      }
      const running = record.stages.filter((stage) => stage.status === 'running');
      const lines = running.flatMap((stage) => {
        const state = stages.get(stage.activityId ?? '');
        return state ? [[stage.name, liveText(stage, state)] as const] : [];
      });
      if (live) {
        const text = lines.map(([name, line]) => `${name}: ${line}`).join('  |  ');
        process.stdout.write(text.slice(0, (process.stdout.columns ?? 80) - 1));
        return;
      }
      for (const [name, line] of lines) {
        if (now() - (said.get(name) ?? now() - 0) < plainEvery * 1000 && said.has(name)) continue;
        said.set(name, now());
        output.say(`  ${name}: ${line}`);
      }
    },
  };
}

const marks: Record<StageState['status'], string> = {
  waiting: '·',
  running: '▶',
  finished: '✔',
  cached: '✔',
  failed: '✘',
  skipped: '–',
  cancelled: '–',
};

export function stageLine(stage: StageState): string {
  const seconds =
    stage.startedAt && stage.endedAt
      ? `${((Date.parse(stage.endedAt) - Date.parse(stage.startedAt)) / 1000).toFixed(1)} s`
      : '';
  const notes = [
    stage.status === 'cached' ? 'cached' : seconds,
    metricsText(stage.metrics ?? {}),
    stage.failure ? `${stage.failure.code}: ${stage.failure.message}` : '',
    stage.status === 'skipped' || stage.status === 'cancelled' || stage.status === 'waiting' ? stage.status : '',
  ];
  return `${marks[stage.status]} ${stage.name.padEnd(12)} ${notes.filter(Boolean).join('  ')}`.trimEnd();
}

export function liveText(stage: StageState, live: LiveStage): string {
  if (live.waitsFor !== undefined) return `waits for a worker on queue ${stage.queue}`;
  const { heartbeat } = live;
  const parts = [
    heartbeat?.doing ?? 'running',
    heartbeat?.total ? `${Math.floor((100 * (heartbeat.done ?? 0)) / heartbeat.total)} %` : '',
    metricsText(heartbeat?.metrics ?? {}),
    live.attempt > 1 ? `attempt ${live.attempt}${live.lastFailure ? ` after: ${live.lastFailure}` : ''}` : '',
  ];
  return parts.filter(Boolean).join('  ');
}

export function metricsText(metrics: Readonly<Record<string, number>>): string {
  return Object.entries(metrics)
    .slice(0, 5)
    .map(([name, value]) => `${name} ${shortNumber(value)}`)
    .join('  ');
}

export function resultLines(result: TrainPipelineResult, page: string | undefined): string[] {
  const stages = Object.entries(result.stages).map(([name, stage]) =>
    `✔ ${name.padEnd(12)} ${stage.cached ? 'cached  ' : ''}${metricsText(stage.metrics)}`.trimEnd(),
  );
  return [
    '',
    ...stages,
    '',
    ...(result.headline ? [`${result.headline.name}: ${shortNumber(result.headline.value)}`] : []),
    `record: ${result.record}`,
    ...(page ? [`Temporal UI: ${page}`] : []),
  ];
}
