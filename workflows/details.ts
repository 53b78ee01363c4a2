import type { RunRecord, StageState } from '../contract/messages.ts';
import { nextSteps } from '../contract/nextSteps.ts';

const marks: Record<StageState['status'], string> = {
  waiting: '·',
  held: '✋',
  paused: '⏸',
  running: '▶',
  finished: '✔',
  cached: '✔ (cached)',
  failed: '✘',
  skipped: '– (skipped)',
  cancelled: '– (cancelled)',
};

/** The run as the Temporal UI shows it while it goes on: what to do about it, and a table of stages, in Markdown. */
export function runDetails(record: RunRecord): string {
  const rows = record.stages.map(
    (stage) =>
      `| ${stage.name} | ${marks[stage.status]} ${stage.status === 'cached' ? '' : stage.status} | ${metricsText(stage)} |`,
  );
  const parts = [
    ...(record.headline ? [`**${record.headline.name} ${number(record.headline.value)}**`] : []),
    ...(record.notice ? [record.notice] : []),
    ...(record.tracking?.notice ? [record.tracking.notice] : []),
    ...record.stages.flatMap(failureText),
    ...(record.failure && !record.stages.some((stage) => stage.failure) ? [failureOf('The run', record.failure)] : []),
    ...(record.heldUntil ? [`Held until ${record.heldUntil}`] : []),
    ...nextSteps(record).map(({ command, effect }) => `\`${command}\` ${effect}`),
    `| stage | state | metrics |\n| --- | --- | --- |\n${rows.join('\n')}`,
  ];
  return `${parts.join('\n\n')}\n`;
}

function failureText({ name, failure }: StageState): string[] {
  return failure ? [failureOf(name, failure)] : [];
}

function failureOf(name: string, { code, message, action, log = [] }: NonNullable<StageState['failure']>): string {
  const lines = log.length > 0 ? `\n\n\`\`\`text\n${log.join('\n')}\n\`\`\`` : '';
  return `${name}: **${code}**: ${message}\n\n${action}${lines}`;
}

function metricsText(stage: StageState): string {
  if (stage.failure) return stage.failure.code;
  if (stage.notice) return stage.notice;
  return Object.entries(stage.metrics ?? {})
    .slice(0, 6)
    .map(([name, value]) => `${name} ${number(value)}`)
    .join(', ');
}

function number(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toPrecision(4);
}
